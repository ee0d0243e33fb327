"""Build the Flask app of one process around a runtime."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from flask import Flask
from flask_bootstrap import Bootstrap5
from werkzeug.middleware.proxy_fix import ProxyFix

from substrack.bootstrap import ROOT, Runtime, secret_keys
from substrack.settings import WrongSetting
from substrack.web import (
    access,
    admins,
    asking,
    attachments,
    auth,
    chats,
    decide,
    decisions,
    entering,
    group_archive,
    group_members,
    group_terms,
    groups,
    health,
    home,
    hurrying,
    joining,
    journal,
    members,
    messages,
    metrics,
    money_in,
    objections,
    pay,
    pay_reach,
    payments,
    people,
    periods,
    personal,
    previews,
    prices,
    profile,
    provider,
    recovery,
    review,
    second_factor,
    security,
    settings,
    telegram,
    unsubscribe,
)
from substrack.web.causes import PathlessFlask, init_causes
from substrack.web.errors import init_errors
from substrack.web.pages import init_pages
from substrack.web.reading import bind_reading
from substrack.web.sessions import init_sessions
from substrack.web.unchanged import init_unchanged

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

BLUEPRINTS = (
    health.blueprint,
    metrics.blueprint,
    auth.blueprint,
    provider.blueprint,
    entering.blueprint,
    recovery.blueprint,
    joining.blueprint,
    pay.blueprint,
    pay_reach.blueprint,
    decide.blueprint,
    unsubscribe.blueprint,
    home.blueprint,
    review.blueprint,
    attachments.blueprint,
    decisions.blueprint,
    payments.blueprint,
    objections.blueprint,
    money_in.blueprint,
    previews.blueprint,
    messages.blueprint,
    groups.blueprint,
    asking.blueprint,
    hurrying.blueprint,
    group_archive.blueprint,
    group_members.blueprint,
    journal.blueprint,
    group_terms.blueprint,
    members.blueprint,
    periods.blueprint,
    prices.blueprint,
    people.blueprint,
    personal.blueprint,
    profile.blueprint,
    second_factor.blueprint,
    settings.blueprint,
    admins.blueprint,
    chats.blueprint,
    telegram.blueprint,
)


def create_app(runtime: Runtime) -> Flask:
    """Make the app: closed unless opened, and mounted at the path of the base URL."""
    app = PathlessFlask(
        "substrack", template_folder=str(ROOT / "templates"), static_folder=str(ROOT / "static")
    )
    init_causes(app, runtime.settings)
    security.configure(app, runtime.settings, secret_keys(runtime.settings))
    app.config["BOOTSTRAP_SERVE_LOCAL"] = True
    Bootstrap5(app)
    bind_reading(app, runtime)
    init_sessions(app)
    access.csrf.init_app(app)
    app.before_request(security.allow_files)
    app.before_request(access.guard)
    app.before_request(security.refuse_no_text)
    init_pages(app)
    init_unchanged(app)
    provider.init_provider(app, runtime.settings)
    init_errors(app)
    for blueprint in BLUEPRINTS:
        app.register_blueprint(blueprint)
    mount(app, base_url=runtime.settings.base_url, proxies=runtime.settings.trusted_proxies)
    return app


def mount(app: Flask, *, base_url: str, proxies: int) -> None:
    """Put the app behind its proxies and under the path of its base URL."""
    path = urlsplit(base_url).path
    if path:
        _check_path(app, path)
        app.wsgi_app = UnderPath(app.wsgi_app, path)  # type: ignore[method-assign]
    if proxies:
        fixed = ProxyFix(app.wsgi_app, x_for=proxies, x_proto=proxies, x_host=proxies)
        app.wsgi_app = fixed  # type: ignore[method-assign]


def _check_path(app: Flask, path: str) -> None:
    """Refuse a path that could be a page of ours as well: behind a proxy that cuts it off, none could tell.

    Raises:
        WrongSetting: the path begins with a name that our own pages begin with.
    """
    first = path.split("/")[1]
    if first in {rule.rule.split("/")[1] for rule in app.url_map.iter_rules()}:
        raise WrongSetting(f"SUBSTRACK_BASE_URL: pages of SubsTrack are at /{first}; choose another path")


class UnderPath:
    """Let every URL of an app start with a path, whether or not the proxy in front has cut it off."""

    def __init__(self, app: WSGIApplication, path: str) -> None:
        self._app, self._path = app, path

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        asked = environ.get("PATH_INFO", "")
        if asked == self._path or asked.startswith(f"{self._path}/"):
            environ["PATH_INFO"] = asked[len(self._path) :] or "/"
        environ["SCRIPT_NAME"] = self._path
        return self._app(environ, start_response)
