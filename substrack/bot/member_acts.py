"""What members do with buttons: say they paid, take it back, put it off, ask how, object."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, timedelta

from dateutil.relativedelta import MO, relativedelta

from substrack.bot.asking import Ask, NotYours, member
from substrack.bot.reactions import Reaction, Screen, StatusView
from substrack.domain.chat_buttons import Do, Later, Subject
from substrack.domain.cycles import local_date
from substrack.domain.payments import Status
from substrack.domain.wording import clean_text
from substrack.queries.chat_subjects import (
    OwedBy,
    askable,
    find_one_owed,
    find_owed,
    has_objected,
    how_to_pay,
    statuses_of,
)
from substrack.queries.chats import ChatContact
from substrack.queries.pay_reach import zone_of
from substrack.services.claims import claim_payments, withdraw_claim
from substrack.services.putting_off import latest_snooze, object_to_payments, snooze_payments
from substrack.texts.chat_keyboards import later_keyboard
from substrack.texts.chat_markup import MAX_CAPTION, shown_length
from substrack.texts.chat_screens import ask_objection, how_to_pay_screen, never_mind, qr_caption, said
from substrack.texts.scan_codes import scan_codes


def pay_one(ask: Ask) -> Reaction:
    """Claim one payment."""
    return _claim(ask, find_one_owed(ask.session, ask.data.argument(0)))


def pay_all(ask: Ask) -> Reaction:
    """Claim everything that is open of a message, or of a person."""
    return _claim(ask, find_owed(ask.session, _subject(ask)))


def withdraw(ask: Ask) -> Reaction:
    """Take "I've paid" back."""
    me, owed = _mine(ask, find_owed(ask.session, _subject(ask)))
    payments = withdraw_claim(ask.session, me.contact_id, owed.payment_ids, by=member(me), now=ask.now)
    _ = ask.words
    toast = (
        _("All right, taken back.") if payments else _("Nothing was changed: there is nothing to take back.")
    )
    return Reaction(toast, redraws=True, view=StatusView(me))


def show_later(ask: Ask) -> Reaction:
    """Offer the days to be asked again."""
    subject = _subject(ask)
    me, _owed = _mine(ask, find_owed(ask.session, subject))
    return Reaction(keys=later_keyboard(subject, me.language))


def ask_later(ask: Ask) -> Reaction:
    """Put requests off, and say until when."""
    me, owed = _mine(ask, find_owed(ask.session, _subject(ask)))
    wish = ask.data.argument(1)
    if wish not in set(Later):
        raise NotYours
    until = _LATER[Later(wish)](local_date(ask.now, zone_of(ask.session, me.contact_id)))
    until = min(until, latest_snooze(ask.session, owed.payment_ids, now=ask.now) or until)
    _ = ask.words
    if not askable(ask.session, owed.payment_ids):
        return Reaction(_unchanged(ask, owed.payment_ids), redraws=True, view=StatusView(me))
    keys = askable(ask.session, owed.payment_ids, unless_until=until)
    if keys:
        snooze_payments(ask.session, me.contact_id, keys, until=until, by=member(me), now=ask.now)
    toast = _("All right, I’ll ask again on %(day)s.", day=_.day(until))
    return Reaction(toast, redraws=True, view=StatusView(me))


def show_how(ask: Ask) -> Reaction:
    """Say how what is open is paid, with pictures to scan for transfers in euro."""
    me, owed = _mine(ask, find_owed(ask.session, _subject(ask)))
    ways = how_to_pay(ask.session, owed.payment_ids)
    words = how_to_pay_screen(ways, me.language)
    codes = scan_codes(ways)
    if len(codes) == 1 and shown_length(words) <= MAX_CAPTION:
        return Reaction(says=(Screen(words, photo=codes[0].png(), is_reply=True),))
    pictures = (Screen(qr_caption(code.how, me.language), photo=code.png()) for code in codes)
    return Reaction(says=(Screen(words, is_reply=True), *pictures))


def ask_what_is_off(ask: Ask) -> Reaction:
    """Ask for words; the answer is a reply to the question."""
    subject = _subject(ask)
    me, owed = _mine(ask, find_owed(ask.session, subject))
    if not askable(ask.session, owed.payment_ids):
        return Reaction(_unchanged(ask, owed.payment_ids), redraws=True, view=StatusView(me))
    keys = (never_mind(me.language, Do.OBJECT, str(subject)),)
    return Reaction(says=(Screen(ask_objection(me.language), keys, is_reply=True),))


def object_in_words(ask: Ask, text: str) -> Reaction:
    """Pass on what a member wrote; the same words again within a day are passed on once."""
    me, owed = _mine(ask, find_owed(ask.session, _subject(ask, 1)))
    _ = ask.words
    note = read_objection(ask, text)
    if not has_objected(ask.session, owed.payment_ids, note, now=ask.now):
        payments = object_to_payments(
            ask.session, me.contact_id, owed.payment_ids, text=note, by=member(me), now=ask.now
        )
        if not payments:
            return Reaction(says=(Screen(said(_unchanged(ask, owed.payment_ids)), is_reply=True),))
    thanks = _("Passed on. I won’t ask for this for up to 14 days.")
    return Reaction(says=(Screen(said(thanks), is_reply=True),))


def read_objection(_ask: Ask, text: str) -> str:
    """Read what is off; raises a `Refused` for what can't be passed on."""
    return clean_text(text, field="text", required=True)


def _claim(ask: Ask, found: OwedBy | None) -> Reaction:
    me, owed = _mine(ask, found)
    made = claim_payments(ask.session, me.contact_id, owed.payment_ids, by=member(me), now=ask.now)
    _ = ask.words
    toast = _("Thanks! It’ll be checked.") if made else _unchanged(ask, owed.payment_ids)
    return Reaction(toast, redraws=True, view=StatusView(me))


def _unchanged(ask: Ask, payment_ids: Collection[int]) -> str:
    """Say calmly why a press changed nothing."""
    _ = ask.words
    if Status.MEMBER_CONFIRMED in statuses_of(ask.session, payment_ids):
        return _("You said so already; it’ll be checked.")
    return _("Nothing was changed: this is no longer open.")


def _mine(ask: Ask, found: OwedBy | None) -> tuple[ChatContact, OwedBy]:
    if found is None:
        raise NotYours
    return ask.me(found.contact_id), found


def _subject(ask: Ask, place: int = 0) -> Subject:
    subject = Subject.parse(ask.data.argument(place))
    if subject is None:
        raise NotYours
    return subject


def _in_three_days(today: date) -> date:
    return today + timedelta(days=3)


def _next_monday(today: date) -> date:
    return today + relativedelta(days=1, weekday=MO)


def _next_first(today: date) -> date:
    return today + relativedelta(months=1, day=1)


_LATER = {Later.DAYS: _in_three_days, Later.WEEK: _next_monday, Later.FIRST: _next_first}
