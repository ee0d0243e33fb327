"""Who may open a page: every view declares it, and one that does not is closed to everybody.

`public` pages know nobody; `by_link` pages trust the signed token in their URL and no cookie; `by_secret`
ones are for services that send a secret of ours in a header; `signed_in` pages need a session and, for
anything but reading, the token of a form of ours, sent by a page of ours.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

from flask import Flask, abort, current_app, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from flask_wtf.csrf import CSRFProtect
from werkzeug.exceptions import HTTPException, MethodNotAllowed

View = TypeVar("View", bound=Callable[..., Any])

SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
csrf = CSRFProtect()


class Access(StrEnum):
    """The four ways to be let in."""

    PUBLIC = "public"
    BY_LINK = "by_link"
    BY_SECRET = "by_secret"
    SIGNED_IN = "signed_in"


STATIC_FILES: Final = frozenset({"static", "bootstrap.static"})
"""Endpoints that Flask and Bootstrap-Flask make, so that no decorator can declare them: public files."""


WITHOUT_SECOND_FACTOR: Final = frozenset(
    {"auth.sign_out", "second_factor.show", "second_factor.set_up", "second_factor.start"}
)
"""What is open to who still has to set it up, where the settings require it."""


def public(view: View) -> View:
    """Let anybody open a view; a form posted to it must come from a page of ours."""
    return _declare(view, Access.PUBLIC)


def by_link(view: View) -> View:
    """Let anybody open a view whose URL carries a signed token, which the view itself checks."""
    return _declare(view, Access.BY_LINK)


def signs_in_by_link(view: View) -> View:
    """Let anybody open a view `by_link` that signs in, unless another site sent its form."""
    view.signs_in = True  # type: ignore[attr-defined]
    return by_link(view)


def by_secret(view: View) -> View:
    """Let a service open a view by a secret in a header, which the view itself compares in constant time."""
    return _declare(view, Access.BY_SECRET)


def signed_in(view: View) -> View:
    """Let only admins with a session open a view."""
    return _declare(view, Access.SIGNED_IN)


def with_passwords(view: View) -> View:
    """Close a view where the settings leave signing in to a provider."""
    view.takes_passwords = True  # type: ignore[attr-defined]
    return view


def access_of(app: Flask, endpoint: str) -> Access | None:
    """Tell how an endpoint is declared; None when it is not."""
    if endpoint in STATIC_FILES:
        return Access.PUBLIC
    return getattr(app.view_functions.get(endpoint), "access", None)


def guard() -> ResponseReturnValue | None:
    """Check the access of the request before any view; None lets it pass."""
    if request.endpoint is None:
        return None  # no such page, or no such method on it: Flask answers
    access = access_of(current_app, request.endpoint)
    if access is None:
        current_app.logger.error("%s declares no access and stays closed", request.endpoint)
        abort(404)
    if getattr(current_app.view_functions[request.endpoint], "takes_passwords", False):
        _check_passwords()
    return _CHECKS[access]()


def sign_in_instead() -> ResponseReturnValue:
    """Send someone without a session to the sign-in page, and back afterwards if they were only reading."""
    wanted = request.full_path.rstrip("?") if request.method == "GET" else None
    return redirect(url_for("auth.ask_sign_in", next=wanted if wanted != "/" else None), 303)


def local_path(wanted: str | None) -> str | None:
    """Return a page of ours that a form or URL names; None for anything a browser might take elsewhere."""
    if not wanted or not wanted.startswith("/") or wanted.startswith(("//", "/\\")):
        return None
    if not wanted.isprintable() or "\\" in wanted:
        return None
    return request.script_root + wanted if can_be_gone_to(wanted) else None


def host_in(url: str) -> str | None:
    """Read host and port of a URL that a browser tells; None for what can't be read as one."""
    try:
        return urlsplit(url).netloc
    except ValueError:
        return None


def can_be_gone_to(path: str) -> bool:
    """Tell whether a path of ours can be asked for by GET: not one that only takes forms."""
    try:
        current_app.url_map.bind_to_environ(request.environ).match(urlsplit(path).path, method="GET")
    except MethodNotAllowed:
        return False
    except HTTPException:
        return True  # not there, or elsewhere: that it says itself
    return True


def _check_passwords() -> None:
    if not current_app.config["SUBSTRACK_LOCAL_SIGN_IN"]:
        abort(404)


def _check_public() -> ResponseReturnValue | None:
    if request.method not in SAFE_METHODS and _is_from_elsewhere():
        abort(403)
    return None


def _check_link() -> ResponseReturnValue | None:
    """Leave the token to the view, which alone can read it."""
    view = current_app.view_functions[request.endpoint or ""]
    signs_in = getattr(view, "signs_in", False) and request.method not in SAFE_METHODS
    if signs_in and _is_from_elsewhere(hides_itself=True):
        abort(403)
    return None


def _check_nothing_yet() -> ResponseReturnValue | None:
    """Leave it to the view, which alone can read its secret."""
    return None


def _check_signed_in() -> ResponseReturnValue | None:
    if not current_user.is_authenticated:
        return sign_in_instead()
    if request.method not in SAFE_METHODS:
        if _is_from_elsewhere():
            abort(403)
        csrf.protect()
    if _lacks_second_factor() and request.endpoint not in WITHOUT_SECOND_FACTOR:
        return redirect(url_for("second_factor.show"), 303)
    return None


def _lacks_second_factor() -> bool:
    """Tell whether the settings ask for a second step that somebody has not set up."""
    is_required: bool = current_app.config["SUBSTRACK_REQUIRE_SECOND_FACTOR"]
    return is_required and not current_user.signed_in.has_second_factor


def _is_from_elsewhere(*, hides_itself: bool = False) -> bool:
    """Tell whether a browser says that another site sent this form (Fetch Metadata, else the Origin header).

    Browsers leave Fetch Metadata out on plain http other than loopback, and call a page that sends no Referer
    (it `hides_itself`) "null".
    """
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site not in ("same-origin", "none")
    origin = request.headers.get("Origin")
    if hides_itself and origin == "null":
        return False
    own_hosts = {request.host, urlsplit(current_app.config["SUBSTRACK_BASE_URL"]).netloc}
    return origin is not None and host_in(origin) not in own_hosts


def _declare(view: View, access: Access) -> View:
    view.access = access  # type: ignore[attr-defined]
    return view


_CHECKS: Final[dict[Access, Callable[[], ResponseReturnValue | None]]] = {
    Access.PUBLIC: _check_public,
    Access.BY_LINK: _check_link,
    Access.BY_SECRET: _check_nothing_yet,
    Access.SIGNED_IN: _check_signed_in,
}
