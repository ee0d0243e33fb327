"""The inventory of pages: who may open each, and that nothing else is open."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import text

from substrack.bootstrap import Runtime
from substrack.services.sealing import Sealer
from substrack.web.access import access_of, public
from tests.web.support import Browser

INVENTORY = {
    "admins.invite": ("POST /admins", "signed_in"),
    "admins.make_admin": ("POST /admins/<public_id>/admin", "signed_in"),
    "admins.make_owner": ("POST /admins/<public_id>/owner", "signed_in"),
    "admins.remove": ("POST /admins/<public_id>/remove", "signed_in"),
    "admins.show": ("GET /admins", "signed_in"),
    "admins.show_one": ("GET /admins/<public_id>", "signed_in"),
    "admins.withdraw": ("POST /admins/invitations/<public_id>/withdraw", "signed_in"),
    "asking.ask_all": ("POST /ask", "signed_in"),
    "asking.ask_group": ("POST /groups/<public_id>/ask", "signed_in"),
    "asking.ask_person": ("POST /people/<public_id>/ask", "signed_in"),
    "asking.make_message": ("POST /people/<public_id>/message", "signed_in"),
    "asking.note_sent": ("POST /people/<public_id>/message/sent", "signed_in"),
    "asking.preview": ("GET /groups/<public_id>/ask", "signed_in"),
    "asking.preview_all": ("GET /ask", "signed_in"),
    "asking.preview_person": ("GET /people/<public_id>/ask", "signed_in"),
    "hurrying.send_now": ("POST /people/<public_id>/ask/now", "signed_in"),
    "asking.set_sentence": ("POST /groups/<public_id>/sentence", "signed_in"),
    "asking.show_message": ("GET /people/<public_id>/message", "signed_in"),
    "attachments.show": ("GET /attachments/<public_id>", "signed_in"),
    "auth.ask_sign_in": ("GET /sign-in", "public"),
    "auth.sign_in": ("POST /sign-in", "public"),
    "auth.sign_out": ("POST /sign-out", "signed_in"),
    "auth.ask_code": ("GET /sign-in/code", "public"),
    "auth.take_second_step": ("POST /sign-in/code", "public"),
    "entering.ask": ("GET /enter/<token>", "by_link"),
    "entering.enter": ("POST /enter/<token>", "by_link"),
    "provider.answer": ("GET /sign-in/provider/callback", "public"),
    "provider.ask": ("GET /sign-in/provider", "public"),
    "bootstrap.static": ("GET /bootstrap/static/<filename>", "public"),
    "chats.on_pay": ("POST /pay/<token>/telegram", "by_link"),
    "chats.on_person": ("POST /people/<public_id>/telegram", "signed_in"),
    "chats.on_profile": ("POST /profile/telegram", "signed_in"),
    "decide.decide": ("POST /decide/<token>", "by_link"),
    "decide.show": ("GET /decide/<token>", "by_link"),
    "decisions.undo": ("POST /decisions/<correlation_id>/undo", "signed_in"),
    "group_terms.ask_edit": ("GET /groups/<public_id>/edit", "signed_in"),
    "group_terms.ask_new": ("GET /groups/new", "signed_in"),
    "group_terms.create": ("POST /groups/new", "signed_in"),
    "group_terms.edit": ("POST /groups/<public_id>/edit", "signed_in"),
    "group_terms.preview_edit": ("POST /groups/<public_id>/edit/preview", "signed_in"),
    "group_terms.preview_new": ("POST /groups/new/preview", "signed_in"),
    "group_archive.archive": ("POST /groups/<public_id>/archive", "signed_in"),
    "group_archive.ask": ("GET /groups/<public_id>/archive", "signed_in"),
    "group_archive.restore": ("POST /groups/<public_id>/restore", "signed_in"),
    "group_members.show": ("GET /groups/<public_id>/members", "signed_in"),
    "groups.end": ("POST /groups/<public_id>/end", "signed_in"),
    "groups.open_period": ("POST /groups/<public_id>/periods", "signed_in"),
    "groups.pause": ("POST /groups/<public_id>/pause", "signed_in"),
    "groups.resume": ("POST /groups/<public_id>/resume", "signed_in"),
    "groups.show": ("GET /groups/<public_id>", "signed_in"),
    "groups.show_journal": ("GET /groups/<public_id>/journal", "signed_in"),
    "groups.show_list": ("GET /groups", "signed_in"),
    "groups.show_terms": ("GET /groups/<public_id>/terms", "signed_in"),
    "health.live": ("GET /healthz", "public"),
    "health.ready": ("GET /readyz", "public"),
    "home.release": ("POST /hold/release", "signed_in"),
    "home.show": ("GET /", "signed_in"),
    "joining.accept": ("POST /invite/<token>", "by_link"),
    "joining.ask_invited": ("GET /invite/<token>", "by_link"),
    "joining.ask_setup": ("GET /setup/<token>", "by_link"),
    "joining.set_up": ("POST /setup/<token>", "by_link"),
    "journal.show": ("GET /journal", "signed_in"),
    "metrics.show": ("GET /metrics", "by_secret"),
    "members.ask_join": ("GET /groups/<public_id>/members/new", "signed_in"),
    "members.ask_tell": ("GET /groups/<public_id>/tell", "signed_in"),
    "members.edit": ("POST /members/<public_id>", "signed_in"),
    "members.join": ("POST /groups/<public_id>/members/new", "signed_in"),
    "members.leave": ("POST /members/<public_id>/leave", "signed_in"),
    "members.show": ("GET /members/<public_id>", "signed_in"),
    "members.tell": ("POST /groups/<public_id>/tell", "signed_in"),
    "messages.cancel": ("POST /messages/<public_id>/cancel", "signed_in"),
    "messages.retry": ("POST /messages/<public_id>/retry", "signed_in"),
    "messages.send_me_a_test": ("POST /messages/test", "signed_in"),
    "messages.show": ("GET /messages", "signed_in"),
    "messages.show_letter": ("GET /messages/<public_id>/letter", "signed_in"),
    "messages.show_one": ("GET /messages/<public_id>", "signed_in"),
    "money_in.record": ("POST /money-in", "signed_in"),
    "money_in.record_all": ("POST /money-in/all", "signed_in"),
    "money_in.show": ("GET /money-in", "signed_in"),
    "money_in.use_credit": ("POST /money-in/credit", "signed_in"),
    "money_in.void": ("POST /money-in/receipts/<public_id>/void", "signed_in"),
    "pay.say": ("POST /pay/<token>", "by_link"),
    "pay.show": ("GET /pay/<token>", "by_link"),
    "pay_reach.ask_about_link": ("GET /pay/<token>/link", "by_link"),
    "pay_reach.change": ("POST /pay/<token>/reach", "by_link"),
    "pay_reach.replace_link": ("POST /pay/<token>/link", "by_link"),
    "pay_reach.show_replaced": ("GET /pay/replaced", "by_link"),
    "objections.dismiss": ("POST /objections/<objection>/dismiss", "signed_in"),
    "objections.reply": ("POST /objections/<objection>/answer", "signed_in"),
    "objections.show": ("GET /objections/<objection>", "signed_in"),
    "payments.decide": ("POST /payments/<public_id>/<act>", "signed_in"),
    "payments.find": ("GET /payments", "signed_in"),
    "payments.show": ("GET /payments/<public_id>", "signed_in"),
    "people.add": ("POST /people", "signed_in"),
    "people.change_email": ("POST /people/<public_id>/email", "signed_in"),
    "people.edit": ("POST /people/<public_id>", "signed_in"),
    "people.give_link": ("POST /people/<public_id>/link", "signed_in"),
    "people.resubscribe": ("POST /people/<public_id>/resubscribe", "signed_in"),
    "people.revoke_link": ("POST /people/<public_id>/link/revoke", "signed_in"),
    "people.show_statement": ("GET /people/<public_id>/statement/<year>", "signed_in"),
    "people.write": ("POST /people/<public_id>/note", "signed_in"),
    "people.show": ("GET /people/<public_id>", "signed_in"),
    "people.show_list": ("GET /people", "signed_in"),
    "personal.erase": ("POST /people/<public_id>/data/erase", "signed_in"),
    "personal.export": ("POST /people/<public_id>/data/export", "signed_in"),
    "personal.show": ("GET /people/<public_id>/data", "signed_in"),
    "periods.add_late": ("POST /periods/<public_id>/late-joiners", "signed_in"),
    "periods.edit": ("POST /periods/<public_id>", "signed_in"),
    "periods.restore": ("POST /periods/<public_id>/restore", "signed_in"),
    "periods.show": ("GET /periods/<public_id>", "signed_in"),
    "periods.void": ("POST /periods/<public_id>/void", "signed_in"),
    "previews.send_to_me": ("POST /messages/preview", "signed_in"),
    "previews.show": ("GET /messages/preview", "signed_in"),
    "previews.show_letter": ("GET /messages/preview/letter", "signed_in"),
    "prices.change": ("POST /groups/<public_id>/prices", "signed_in"),
    "prices.show": ("GET /groups/<public_id>/prices", "signed_in"),
    "profile.edit": ("POST /profile", "signed_in"),
    "profile.set_password": ("POST /profile/password", "signed_in"),
    "profile.show": ("GET /profile", "signed_in"),
    "profile.sign_out_everywhere_else": ("POST /profile/sessions/end", "signed_in"),
    "profile.sign_out_elsewhere": ("POST /profile/sessions/<public_id>/end", "signed_in"),
    "recovery.ask": ("GET /reset", "public"),
    "recovery.choose": ("GET /reset/<token>", "by_link"),
    "recovery.reset": ("POST /reset/<token>", "by_link"),
    "recovery.send": ("POST /reset", "public"),
    "review.confirm": ("POST /review/<public_id>/confirm", "signed_in"),
    "review.decide_several": ("POST /review", "signed_in"),
    "review.reject": ("POST /review/<public_id>/reject", "signed_in"),
    "review.show": ("GET /review", "signed_in"),
    "review.show_one": ("GET /review/<public_id>", "signed_in"),
    "second_factor.renew": ("POST /profile/second-factor/codes", "signed_in"),
    "second_factor.set_up": ("POST /profile/second-factor/set-up", "signed_in"),
    "second_factor.show": ("GET /profile/second-factor", "signed_in"),
    "second_factor.start": ("POST /profile/second-factor", "signed_in"),
    "second_factor.stop": ("POST /profile/second-factor/off", "signed_in"),
    "settings.edit": ("POST /settings", "signed_in"),
    "settings.edit_defaults": ("POST /settings/groups", "signed_in"),
    "settings.send_mail": ("POST /settings/mail/test", "signed_in"),
    "settings.show": ("GET /settings", "signed_in"),
    "settings.show_defaults": ("GET /settings/groups", "signed_in"),
    "settings.show_mail": ("GET /settings/mail", "signed_in"),
    "static": ("GET /static/<filename>", "public"),
    "telegram.receive": ("POST /telegram/<connection_id>", "by_secret"),
    "telegram.send_me_a_test": ("POST /settings/telegram/test", "signed_in"),
    "telegram.show": ("GET /settings/telegram", "signed_in"),
    "unsubscribe.show": ("GET /unsubscribe/<token>", "by_link"),
    "unsubscribe.stop_or_start": ("POST /unsubscribe/<token>", "by_link"),
}


def found_routes(app: Flask) -> dict[str, tuple[str, str]]:
    found = {}
    for rule in app.url_map.iter_rules():
        (method,) = (rule.methods or set()) - {"HEAD", "OPTIONS"}
        found[rule.endpoint] = (f"{method} {_plain(rule.rule)}", str(access_of(app, rule.endpoint)))
    return found


def _plain(rule: str) -> str:
    return re.sub(r"<[a-z]+(\(.*?\))?:", "<", rule)


@pytest.mark.only_sqlite
def test_every_page_is_in_the_inventory_with_its_access(app: Flask) -> None:
    assert found_routes(app) == INVENTORY


@pytest.mark.only_sqlite
def test_a_stranger_reads_and_changes_nothing_behind_the_sign_in(app: Flask, zed: Browser) -> None:
    for rule in app.url_map.iter_rules():
        if access_of(app, rule.endpoint) == "signed_in":
            path = rule.rule.replace("<public_id>", "abcabcabcabc").replace("<int:year>", "2026")
            method = "POST" if "POST" in (rule.methods or ()) else "GET"
            answer = zed.client.open(path, method=method)
            assert (answer.status_code, answer.location.partition("?")[0]) == (303, "/sign-in"), path


@pytest.mark.only_sqlite
def test_a_page_that_declares_no_access_stays_closed(app: Flask, olga: Browser) -> None:
    app.add_url_rule("/forgotten", "forgotten", lambda: "open")

    assert olga.get("/forgotten").status_code == 404


@pytest.mark.only_sqlite
def test_a_declared_page_opens(app: Flask, zed: Browser) -> None:
    app.add_url_rule("/declared", "declared", public(lambda: "open"))

    assert zed.get("/declared").text == "open"


@pytest.mark.only_sqlite
def test_a_page_that_is_not_there_looks_like_one_that_is_not_yours(zed: Browser, olga: Browser) -> None:
    assert zed.get("/nothing").status_code == olga.get("/nothing").status_code == 404


class TestHealth:
    @pytest.mark.only_sqlite
    def test_who_holds_our_keys_knows_us_by_our_answer(self, zed: Browser, runtime: Runtime) -> None:
        challenge = "0123456789abcdef" * 2
        said = zed.get(f"/healthz?challenge={challenge}").json or {}
        assert runtime.sealer.is_answer(challenge, said["proof"])
        assert not runtime.sealer.is_answer(challenge[::-1], said["proof"])
        assert not Sealer(["of-somebody-else-" * 3]).is_answer(challenge, said["proof"])

    @pytest.mark.only_sqlite
    @pytest.mark.parametrize("challenge", ["", "abc", "x" * 32, "0" * 33])
    def test_only_a_challenge_is_answered(self, zed: Browser, challenge: str) -> None:
        assert zed.get(f"/healthz?challenge={challenge}").json == {"status": "ok"}

    def test_a_running_process_is_alive_and_ready(self, zed: Browser) -> None:
        assert zed.get("/healthz").json == {"status": "ok"}
        answer = zed.get("/readyz")
        assert answer.status_code == 200
        told = dict(answer.json or {})
        assert told.pop("disk_free_bytes") > 0
        assert told == {
            "ready": True,
            "database": "ok",
            "migrations": "at head",
            "last_tick_at": None,
            "worker": "never seen",
            "hold": None,
            "outbox": "ok",
            "oldest_due_seconds": None,
            "backup": "none",
            "backup_age_seconds": None,
            "disk": "ok",
        }

    def test_tables_of_another_version_are_not_ready(self, runtime: Runtime, zed: Browser) -> None:
        with runtime.transaction() as session:
            session.execute(text("UPDATE alembic_version SET version_num = '0000'"))

        answer = zed.get("/readyz")

        assert answer.status_code == 503
        assert answer.json is not None
        assert answer.json["migrations"] == "pending"

    @pytest.mark.only_sqlite
    def test_a_process_without_its_database_is_alive_but_not_ready(
        self, runtime: Runtime, zed: Browser
    ) -> None:
        with lost_database(runtime):
            assert zed.get("/healthz").status_code == 200
            assert zed.get("/readyz").status_code == 503
            answer = zed.get("/sign-in")

        assert answer.status_code == 503
        assert int(answer.headers["Retry-After"]) > 0
        assert "Traceback" not in answer.text


@contextmanager
def lost_database(runtime: Runtime) -> Iterator[None]:
    """Put a directory where the database file was."""
    runtime.close()
    path = Path(str(runtime.read_engine.url.database))
    path.unlink()
    path.mkdir()
    yield
    path.rmdir()
    path.touch()
