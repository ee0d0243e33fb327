"""Claims about setting a group up in a minute: what is proposed, recognised, taken over and foretold live."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest
from flask import Flask
from sqlalchemy import select, update

from substrack.bootstrap import Runtime
from substrack.domain.pay_methods import PayMethod, pay_method
from substrack.domain.service_kinds import ServiceKind
from substrack.domain.shares import SplitKind
from substrack.queries.groups import load_pay_methods
from substrack.store import Contact, Group, Member, User, Workspace
from tests.support.cast import Cast, make_stranger, money
from tests.web.admin import contact_named, events, group_of, stranger
from tests.web.forms import apply, counted, fill, send
from tests.web.support import Browser

pytestmark = pytest.mark.only_sqlite  # what a page says; services do it on both

TYPED = {
    "name": "Netflix",
    "price": "20.00",
    "starts_on": "2026-03-05",
    "people": "Ann <ann@example.org>, Bob",
}
IBAN = "DE89 3704 0044 0532 0130 00"


def _ways(cast: Cast, group: Group) -> list[PayMethod]:
    return cast.read(lambda session: load_pay_methods(session, group.id))


def _sharers(cast: Cast, group: Group) -> dict[str, Member]:
    query = select(Contact.name, Member).join(Contact, Contact.id == Member.contact_id)
    found = query.where(Member.group_id == group.id).order_by(Member.id)
    return cast.read(lambda session: {row.name: row.Member for row in session.execute(found)})


class TestTheForm:
    def test_at_most_nine_things_are_asked_at_first(self, cast: Cast, olga: Browser) -> None:
        cast.group("YouTube", pay_methods=(pay_method("text", {"text": "Cash"}),))

        assert len(_asked_openly(olga.get("/groups/new").text)) <= 9

    def test_a_kind_is_kept_and_its_hint_is_there_without_a_script(self, cast: Cast, olga: Browser) -> None:
        page = olga.get("/groups/new").text
        send(olga, "/groups/new", "price", **TYPED, kind="vpn")

        assert "Usually up to 5 people, paid every year." in page
        assert group_of(cast, "Netflix").kind is ServiceKind.VPN
        shown = olga.get(f"/groups/{group_of(cast, 'Netflix').public_id}/edit").text
        assert fill(shown, "price")["kind"] == "vpn"

    def test_a_bill_that_differs_each_time_is_said_beside_the_price(self, cast: Cast, olga: Browser) -> None:
        send(olga, "/groups/new", "price", **TYPED | {"price": "", "differs": "y"})

        group = group_of(cast, "Netflix")
        assert group.split is SplitKind.VARIABLE
        shown = fill(olga.get(f"/groups/{group.public_id}/edit").text, "price")
        assert shown["differs"]
        assert shown["price"] == ""

    def test_a_bill_that_differs_no_more_goes_on_by_weight(self, cast: Cast, olga: Browser) -> None:
        send(olga, "/groups/new", "price", **TYPED | {"price": "", "differs": "y", "people": "Ann = 2, Bob"})
        page = f"/groups/{group_of(cast, 'Netflix').public_id}/edit"

        apply(olga, page, "price", price="20.00", differs=[])

        assert group_of(cast, "Netflix").split is SplitKind.WEIGHTS
        assert _sharers(cast, group_of(cast, "Netflix"))["Ann"].weight == 2

    @pytest.mark.parametrize(
        ("typed", "told"),
        [
            ({"differs": "y"}, "Leave the price empty, or untick “The bill differs each time”."),
            ({"price": ""}, "Give the price, or tick “The bill differs each time”."),
            ({"price": "", "differs": "y", "split": "fixed"}, "Fixed amounts need a price."),
        ],
    )
    def test_price_and_bill_are_told_apart_in_words_of_the_page(
        self, olga: Browser, typed: dict[str, str], told: str
    ) -> None:
        answer = send(olga, "/groups/new", "price", **TYPED | typed)

        assert answer.status_code == 422
        assert told in answer.text

    def test_the_price_names_its_currency(self, olga: Browser) -> None:
        assert "In EUR for all together" in olga.get("/groups/new").text

    @pytest.mark.only_sqlite
    @pytest.mark.parametrize("kind", ["", "boat"])
    def test_no_kind_is_something_else(self, cast: Cast, olga: Browser, kind: str) -> None:
        send(olga, "/groups/new", "price", **TYPED, kind=kind)

        assert group_of(cast, "Netflix").kind is ServiceKind.OTHER

    def test_the_workspaces_defaults_are_proposed(self, cast: Cast, olga: Browser) -> None:
        wanted = {"currency": "CHF", "grace_days": 7, "payer_included": False, "hour": 18, "unknown": 1}
        with cast.runtime.transaction() as session:
            session.execute(update(Workspace).values(group_defaults=wanted))

        send(olga, "/groups/new", "price", **TYPED)

        group = group_of(cast, "Netflix")
        kept = (group.currency, group.grace_days, group.payer_included, group.hour, group.repeat_every_days)
        assert kept == ("CHF", 7, False, 18, 3)

    @pytest.mark.only_sqlite
    def test_it_takes_the_same_statements_however_many_groups_there_are(
        self, cast: Cast, olga: Browser, runtime: Runtime
    ) -> None:
        def looked() -> int:
            with counted(runtime) as statements:
                assert len(olga.get("/groups/new").text) < 120_000
            return len(statements)

        ways = (pay_method("text", {"text": "Cash"}),)
        cast.group("First", pay_methods=ways)
        few = looked()
        for number in range(10):
            group = cast.group(f"Group {number}", pay_methods=ways)
            for person in range(3):
                cast.join(group, f"Guest{number}x{person}")
        assert looked() == few


class TestHowToPay:
    @pytest.mark.only_sqlite
    @pytest.mark.parametrize(
        ("typed", "kind"),
        [
            (IBAN, "iban"),
            ("paypal.me/olga", "link"),
            ("https://pay.example/{amount}", "link"),
            ("upi://pay?pa=olga@bank", "link"),
            ("Cash, or by bank. Ask me.", "text"),
            ("Revolut: @olga", "text"),
            ("olga@okbank", "upi"),
            ("olga@example.org", "text"),
        ],
    )
    def test_what_is_typed_is_recognised(self, cast: Cast, olga: Browser, typed: str, kind: str) -> None:
        send(olga, "/groups/new", "price", **TYPED | {"ways-0-value": typed})

        assert [way.kind.value for way in _ways(cast, group_of(cast, "Netflix"))] == [kind]

    def test_a_way_is_replaced_by_one_of_another_kind_in_one_field(self, cast: Cast, olga: Browser) -> None:
        send(olga, "/groups/new", "price", **TYPED | {"ways-0-value": IBAN})
        group = group_of(cast, "Netflix")
        page = f"/groups/{group.public_id}/edit"
        assert IBAN in olga.get(page).text

        send(olga, page, "price", **{"ways-0-value": "paypal.me/olga"})

        assert [way.value for way in _ways(cast, group)] == ["https://paypal.me/olga"]

    def test_words_that_look_like_an_account_stay_words(self, cast: Cast, olga: Browser) -> None:
        send(olga, "/groups/new", "price", **TYPED | {"ways-0-value": IBAN, "ways-0-kind": "text"})

        kept = fill(olga.get(f"/groups/{group_of(cast, 'Netflix').public_id}/edit").text, "price")

        assert kept["ways-0-kind"] == "text"

    def test_an_account_is_the_payers_unless_somebody_else_is_named(self, cast: Cast, olga: Browser) -> None:
        send(olga, "/groups/new", "price", **TYPED | {"ways-0-value": IBAN})

        (way,) = _ways(cast, group_of(cast, "Netflix"))
        assert way.fields["holder"] == "Olga"

    @pytest.mark.only_sqlite
    def test_a_mistyped_account_is_refused_as_one(self, olga: Browser) -> None:
        answer = send(olga, "/groups/new", "price", **TYPED | {"ways-0-value": IBAN.replace("89", "88")})

        assert answer.status_code == 422
        assert 'id="ways-0-value-error-1"' in answer.text

    @pytest.mark.only_sqlite
    @pytest.mark.parametrize(
        ("typed", "said"),
        [
            ({"ways-0-value": "x" * 4001}, "Höchstens 4.000 Zeichen."),
            ({"ways-0-value": IBAN[:-1], "ways-0-kind": "iban"}, "Eine IBAN aus DE hat 22 Zeichen"),
        ],
    )
    def test_a_refused_way_is_said_in_the_readers_language(
        self, runtime: Runtime, olga: Browser, typed: dict[str, str], said: str
    ) -> None:
        _read_in(runtime, "de")
        answer = send(olga, "/groups/new", "price", **TYPED | typed)

        assert answer.status_code == 422
        beside = answer.text.split('id="ways-0-value-error-1"')[1].split("</p>")[0]
        assert said in beside, beside

    def test_the_same_way_as_last_time_is_proposed(self, cast: Cast, olga: Browser) -> None:
        cast.group("Old", pay_methods=(pay_method("text", {"text": "Cash"}),))
        cast.group("YouTube", pay_methods=(pay_method("link", {"url": "paypal.me/olga"}, "PayPal"),))
        cast.group("Free")

        assert "Same as YouTube" in olga.get("/groups/new").text
        send(olga, "/groups/new", "price", **TYPED)
        assert [way.label for way in _ways(cast, group_of(cast, "Netflix"))] == ["PayPal"]

    def test_the_same_way_is_refused_for_another_payer(self, cast: Cast, olga: Browser) -> None:
        youtube = cast.group("YouTube", pay_methods=(pay_method("text", {"text": "Cash to Olga"}),))
        cast.join(youtube, "Ben")
        assert "To Olga: Cash to Olga" in olga.get("/groups/new").text

        typed = TYPED | {"payer": contact_named(cast, "Ben").public_id}
        answer = send(olga, "/groups/new", "price", **typed)

        assert answer.status_code == 422
        assert "“YouTube” is paid to Olga and not to Ben." in answer.text
        again = fill(answer.text, "price")
        assert again.get("same_ways", "") == ""
        assert (
            olga.client.post("/groups/new", data=again | {"ways-0-value": "Cash to Ben"}).status_code == 303
        )
        assert [way.fields["text"] for way in _ways(cast, group_of(cast, "Netflix"))] == ["Cash to Ben"]

    def test_another_way_may_be_typed_instead(self, cast: Cast, olga: Browser) -> None:
        cast.group("YouTube", pay_methods=(pay_method("text", {"text": "Cash"}),))
        send(olga, "/groups/new", "price", **TYPED | {"same_ways": "", "ways-0-value": IBAN})

        assert [way.kind.value for way in _ways(cast, group_of(cast, "Netflix"))] == ["iban"]

    def test_a_strangers_way_cannot_be_taken_over(self, runtime: Runtime, cast: Cast, olga: Browser) -> None:
        zeds = make_stranger(runtime).group("Boat", pay_methods=(pay_method("text", {"text": "Cash"}),))
        send(olga, "/groups/new", "price", **TYPED | {"same_ways": zeds.public_id})

        assert _ways(cast, group_of(cast, "Netflix")) == []


class TestPeople:
    def test_who_is_known_by_name_is_the_same_person(self, cast: Cast, olga: Browser) -> None:
        ben = cast.join(cast.group("YouTube"), "Ben")
        send(olga, "/groups/new", "price", **TYPED | {"people": "Ben, Kim"})

        sharers = _sharers(cast, group_of(cast, "Netflix"))
        assert sharers["Ben"].contact_id == ben.contact_id
        assert list(sharers) == ["Olga", "Ben", "Kim"]

    @pytest.mark.parametrize(("known", "typed"), [("Ann", "ann"), ("Émile", "émile"), ("émile", "ÉMILE")])
    def test_capitals_tell_nobody_apart(self, cast: Cast, olga: Browser, known: str, typed: str) -> None:
        member = cast.join(cast.group("YouTube"), known, email="somebody@example.org")
        send(olga, "/groups/new", "price", **TYPED | {"people": typed})

        sharers = _sharers(cast, group_of(cast, "Netflix"))
        assert [one.contact_id for one in sharers.values()][1] == member.contact_id

    def test_a_name_that_several_people_have_asks_which(self, cast: Cast, olga: Browser) -> None:
        youtube = cast.group("YouTube")
        cast.join(youtube, "Ben")
        cast.join(youtube, "Ben", email="other@example.org")
        answer = send(olga, "/groups/new", "price", **TYPED | {"people": "Ben"})

        assert answer.status_code == 422
        assert "several people called Ben" in answer.text.split('id="people-error-1"')[1]

    def test_a_payer_who_types_herself_too_shares_once(self, cast: Cast, olga: Browser) -> None:
        send(olga, "/groups/new", "price", **TYPED | {"people": "Olga, Ann"})

        netflix = group_of(cast, "Netflix")
        members = select(Member.id).where(Member.group_id == netflix.id)
        assert len(cast.read(lambda session: list(session.scalars(members)))) == 2
        assert list(_sharers(cast, netflix)) == ["Olga", "Ann"]


class TestDuplicating:
    def test_terms_people_and_ways_come_along(self, cast: Cast, olga: Browser) -> None:
        ways = (pay_method("iban", {"iban": IBAN, "holder": "Olga O."}, "Bank"),)
        phone = cast.group("Phone", "30.00", split=SplitKind.WEIGHTS, grace_days=5, pay_methods=ways)
        cast.join(phone, "Ben", weight=2)
        cast.join(phone, "Noor", email=None)
        people = len(cast.read(lambda session: list(session.scalars(select(Contact)))))

        answer = send(olga, f"/groups/new?like={phone.public_id}", "price", "/groups/new")

        copy = group_of(cast, "Phone copy")
        assert answer.status_code == 303
        assert (copy.split, copy.grace_days) == (SplitKind.WEIGHTS, 5)
        assert _ways(cast, copy) == list(ways)
        sharers = _sharers(cast, copy)
        assert {name: one.weight for name, one in sharers.items()} == {"Olga": 1, "Ben": 2, "Noor": 1}
        assert len(cast.read(lambda session: list(session.scalars(select(Contact))))) == people

    @pytest.mark.only_sqlite
    def test_a_name_with_a_comma_is_the_same_person_again(self, cast: Cast, olga: Browser) -> None:
        phone = cast.group("Phone", "30.00")
        bob = cast.join(phone, "Bob, Jr", email=None)

        send(olga, f"/groups/new?like={phone.public_id}", "price", "/groups/new")

        assert _sharers(cast, group_of(cast, "Phone copy"))["Bob, Jr"].contact_id == bob.contact_id

    def test_own_amounts_come_along(self, cast: Cast, olga: Browser) -> None:
        phone = cast.group("Phone", "30.00")
        cast.join(phone, "Ben", fixed=money("3.50"))
        send(olga, f"/groups/new?like={phone.public_id}", "price", "/groups/new")

        assert _sharers(cast, group_of(cast, "Phone copy"))["Ben"].fixed_minor == 350

    def test_a_strangers_group_cannot_be_copied(self, app: Flask, runtime: Runtime, cast: Cast) -> None:
        zed = stranger(app, runtime)

        assert zed.get(f"/groups/new?like={cast.group().public_id}").status_code == 404


class TestWhoIsMeant:
    def test_a_bare_address_is_whoever_is_known_there(self, cast: Cast, olga: Browser) -> None:
        jane = cast.join(cast.group(), "Jane Doe", email="jane@example.org")
        typed = TYPED | {"people": "jane@example.org"}

        assert "Jane Doe (jane@example.org) pays" in _part(olga, **typed)
        assert send(olga, "/groups/new", "price", **typed).status_code == 303
        assert _sharers(cast, group_of(cast, "Netflix"))["Jane Doe"].contact_id == jane.contact_id

    def test_another_name_at_a_known_address_is_a_question_that_says_both_answers(
        self, cast: Cast, olga: Browser
    ) -> None:
        cast.join(cast.group(), "Jane Doe", email="jane@example.org")

        asked = send(olga, "/groups/new", "price", **TYPED | {"people": "Janet <jane@example.org>"}).text

        assert "Janet: Jane Doe is already reached at this address." in asked
        assert "if you mean Jane Doe, write the address alone" in asked

    def test_a_bare_address_of_two_people_names_nobody(self, cast: Cast, olga: Browser) -> None:
        group = cast.group()
        for name in ("Jane", "Tom"):
            cast.join(group, name, email="home@example.org", shares_mailbox=True)

        answer = send(olga, "/groups/new", "price", **TYPED | {"people": "home@example.org"})

        assert answer.status_code == 422
        assert "Several people are reached at home@example.org; write the name" in answer.text


class TestLiveForecast:
    def test_a_script_gets_the_forecast_alone_and_nothing_changes(self, cast: Cast, olga: Browser) -> None:
        before = events(cast)
        part = _part(olga, **TYPED).replace("\xa0", " ")

        assert "2 people pay 6.67 € each, every month. Your share is 6.66 €." in part
        assert "Due on 5 Mar 2026, 5 Apr 2026 and 5 May 2026, and so on." in part
        assert "<html" not in part
        assert events(cast) == before

    def test_while_somebody_still_types_nothing_is_said_to_be_wrong(self, olga: Browser) -> None:
        assert "Here you see who will pay what" in _part(olga, name="", price="")
        assert "2 people pay" in _part(olga, **TYPED | {"name": ""})

    def test_what_makes_no_sense_is_said_in_the_part_too(self, olga: Browser) -> None:
        assert "can be read in two ways" in _part(olga, **TYPED | {"price": "1.234"})
        assert "starts with https://" in _part(olga, **TYPED | {"ways-0-value": "javascript:alert(1)"})

    @pytest.mark.only_sqlite
    def test_what_makes_no_sense_is_said_in_the_readers_language(
        self, runtime: Runtime, olga: Browser
    ) -> None:
        _read_in(runtime, "de")
        part = _part(olga, **TYPED | {"price": "1.234"})

        assert "can be read in two ways" not in part
        assert "1.234" in part.split('class="doubts"')[1]

    def test_more_people_than_usual_are_doubted_gently(self, cast: Cast, olga: Browser) -> None:
        crowd = TYPED | {"people": "Ann, Bob, Cem, Dia, Eve, Finn", "kind": "video"}

        assert "That makes 7 people; such a plan usually has room for 6." in _part(olga, **crowd)
        assert send(olga, "/groups/new", "price", **crowd).status_code == 303
        assert "usually has room" not in _part(olga, **crowd | {"kind": ""})
        assert "usually has room" not in _part(olga, **crowd | {"kind": "home"})
        assert "usually has room" not in _part(olga, **crowd | {"differs": "y"})


def _read_in(runtime: Runtime, language: str) -> None:
    with runtime.transaction() as session:
        session.execute(update(User).values(language=language))


def _part(who: Browser, **typed: str) -> str:
    form = fill(who.get("/groups/new").text, "price") | typed
    return who.client.post("/groups/new/preview", data=form, headers={"X-Part": "forecast"}).text


def _asked_openly(page: str) -> set[str]:
    """List the fields of the form that stand outside of anything folded or hidden by a choice made above."""
    reader = _OpenFields()
    reader.feed(page)
    return reader.names


class _OpenFields(HTMLParser):
    """Collects names of visible fields, without those in a fold or among the ways that “Same as” hides."""

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()
        self._folds = 0
        self._in_form = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        has = dict(attrs)
        self._in_form = self._in_form or "data-forecast" in has
        self._folds += tag == "details"
        is_field = tag in ("input", "select", "textarea") and has.get("type") != "hidden"
        if self._in_form and is_field and not self._folds:
            self.names.add(has.get("name") or "")

    def handle_endtag(self, tag: str) -> None:
        self._folds -= tag == "details"
        self._in_form = self._in_form and tag != "form"
