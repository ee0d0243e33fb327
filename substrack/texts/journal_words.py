"""The journal in words: one sentence for each line, without its time and without its reason."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from substrack.domain.actors import ActorKind, Via
from substrack.domain.journal_kinds import JournalKind
from substrack.domain.money import Money
from substrack.domain.spans import Span
from substrack.texts.journal_changes import left_by_undo, person_changed, terms_changed
from substrack.texts.words import Words


@dataclass(frozen=True)
class Line:
    """What a sentence is made of; `person` is whom the line is about, `currency` that of its amounts.

    `is_own`: it is about the payer's own share, which is owed to nobody.
    """

    verb: str
    subject_kind: str
    person: str | None
    span: Span | None
    currency: str | None
    before: Mapping[str, Any]
    after: Mapping[str, Any]
    is_own: bool = False

    def money(self, name: str, _: Words) -> str:
        """Write one of the amounts after the act; a dash for one that is not known."""
        minor = self.after.get(name)
        return _.money(Money(int(minor), self.currency)) if minor is not None and self.currency else "–"

    def day(self, name: str, _: Words) -> str:
        """Write one of the dates after the act; a dash where there is none."""
        text = self.after.get(name)
        return _.day(date.fromisoformat(text)) if text else "–"


def actor_name(kind: ActorKind, via: Via, name: str | None, locale: str) -> str:
    """Say who acted: who set everything up by the first link was nobody known yet."""
    _ = Words(locale)
    if kind in (ActorKind.USER, ActorKind.CONTACT):
        return name or _("Somebody")
    if kind is ActorKind.OPERATOR and via is Via.LINK:
        return _("Link for setting up")
    return actor_kind_name(kind, locale)


def actor_kind_name(kind: ActorKind, locale: str) -> str:
    """Name a kind of actors."""
    _ = Words(locale)
    names = {
        ActorKind.USER: _("Admins"),
        ActorKind.CONTACT: _("Members"),
        ActorKind.OPERATOR: _("Command line"),
        ActorKind.TIME: _("SubsTrack"),
        ActorKind.CREDIT: _("Credit"),
    }
    return names[kind]


def journal_kind_name(kind: JournalKind, locale: str) -> str:
    """Name a kind of acts."""
    _ = Words(locale)
    names = {
        JournalKind.SAID: _("What members said"),
        JournalKind.DECIDED: _("Decisions"),
        JournalKind.MONEY: _("Money that came"),
        JournalKind.PERIODS: _("Periods and amounts"),
        JournalKind.GROUPS: _("Groups and prices"),
        JournalKind.PEOPLE: _("People and addresses"),
        JournalKind.MESSAGES: _("Messages"),
        JournalKind.ADMINS: _("Admins and settings"),
    }
    return names[kind]


def event_sentence(line: Line, locale: str) -> str:
    """Say what happened; a verb that has no words yet is shown as it is."""
    _ = Words(locale)
    say = _SENTENCES.get((line.subject_kind, line.verb))
    if say is None:
        return f"{line.subject_kind}: {line.verb}"
    return say(line, _)


def _who(line: Line, _: Words) -> str:
    return line.person or _("Somebody")


def _when(line: Line, _: Words) -> str:
    return _.span(line.span) if line.span else _("one period")


def _both(line: Line, _: Words) -> dict[str, str]:
    return {"who": _who(line, _), "period": _when(line, _)}


def _paid(line: Line, _: Words) -> str:
    if line.after.get("status") == "confirmed":
        return _("%(who)s paid %(period)s.", **_both(line, _))
    received = line.money("allocated", _)
    return _("%(amount)s received from %(who)s for %(period)s.", amount=received, **_both(line, _))


def _owes(line: Line, _: Words) -> str:
    values = {"amount": line.money("amount", _), **_both(line, _)}
    if line.after.get("status") == "confirmed":  # the payer's own share, or nothing at all
        return _("%(who)s’s share of %(period)s is %(amount)s; nothing is to be paid.", **values)
    return _("%(who)s owes %(amount)s for %(period)s.", **values)


def _owes_now(line: Line, _: Words) -> str:
    if line.before.get("amount") == line.after.get("amount") and _fall_minor(line) > 0:
        return _taken_off(line, _)
    values = {"amount": line.money("amount", _), **_both(line, _)}
    if line.is_own:
        return _("%(who)s’s share of %(period)s is %(amount)s now; nothing is to be paid.", **values)
    return _("%(who)s owes %(amount)s for %(period)s now.", **values)


def _taken_off(line: Line, _: Words) -> str:
    fall_minor = _fall_minor(line)
    if fall_minor <= 0 or not line.currency:
        return _("Money was taken off %(who)s’s payment for %(period)s.", **_both(line, _))
    amount = _.money(Money(fall_minor, line.currency))
    return _("%(amount)s was taken off %(who)s’s payment for %(period)s.", amount=amount, **_both(line, _))


def _fall_minor(line: Line) -> int:
    """Say by how much less is received after the act."""
    return int(line.before.get("received") or 0) - int(line.after.get("received") or 0)


def _end(line: Line, _: Words) -> str:
    if line.after.get("ends_on") is None:
        return _("The group goes on without end.")
    return _("No period starts after %(day)s.", day=line.day("ends_on", _))


def _edit_period(line: Line, _: Words) -> str:
    values = {"period": _when(line, _), "total": line.money("total", _), "due": line.day("due_on", _)}
    if line.before.get("total") is None:
        return _("The bill of %(period)s is %(total)s.", **values)
    if line.before.get("due_on") != line.after.get("due_on"):
        return _("%(period)s: total %(total)s, due on %(due)s.", **values)
    return _("The total of %(period)s is now %(total)s.", **values)


def _void_period(line: Line, _: Words) -> str:
    if line.after.get("opens_again"):
        return _("%(period)s was voided before its time and opens again then.", period=_when(line, _))
    return _("%(period)s was voided.", period=_when(line, _))


def _edit_group(line: Line, _: Words) -> str:
    what = terms_changed(line.before, line.after, _.locale)
    if not what:
        return _("The group’s terms were changed.")
    return _("The group’s terms were changed: %(what)s.", what=what)


def _edit_person(line: Line, _: Words) -> str:
    what = person_changed(line.before, line.after, _.locale)
    if not what:
        return _("What is known about %(who)s was changed.", who=_who(line, _))
    return _("What is known about %(who)s was changed: %(what)s.", who=_who(line, _), what=what)


def _undone(line: Line, _: Words) -> str:
    sentence = _("A decision about %(who)s, %(period)s, was undone.", **_both(line, _))
    return f"{sentence} {left_by_undo(line.after, _.locale)}".rstrip()


def _undone_period(line: Line, _: Words) -> str:
    values = {"period": _when(line, _), "total": line.money("total", _)}
    if line.after.get("total") is None:
        return _("The bill of %(period)s was taken back; it is wanted again.", **values)
    return _("A correction of %(period)s was undone; its total is %(total)s.", **values)


def _repair_period(line: Line, _: Words) -> str:
    is_void = line.after.get("void")
    if is_void is None:
        return _("The sum of %(period)s was put right.", period=_when(line, _))
    if is_void:
        return _("%(period)s is void again, as the journal says.", period=_when(line, _))
    return _("%(period)s counts again, as the journal says.", period=_when(line, _))


def _collection_day(line: Line, _: Words) -> str:
    day = line.after.get("day")
    if line.subject_kind == "workspace":
        return (
            _("Everybody is asked on day %(day)s of the month.", day=day)
            if day
            else _("Nobody waits for a day of the month any more.")
        )
    if day:
        return _("%(who)s is asked on day %(day)s of the month.", who=_who(line, _), day=day)
    return _("%(who)s is asked without a day of their own.", who=_who(line, _))


def _role(line: Line, _: Words) -> str:
    if line.after.get("role") == "owner":
        return _("%(who)s is an owner now.", who=_who(line, _))
    return _("%(who)s is an admin now, and no owner.", who=_who(line, _))


def _email(line: Line, _: Words) -> str:
    if line.after.get("has_email"):
        return _("%(who)s has a new email address.", who=_who(line, _))
    return _("%(who)s’s email address was taken out.", who=_who(line, _))


_SENTENCES: Final[Mapping[tuple[str, str], Callable[[Line, Words], str]]] = {
    ("group", "create"): lambda line, _: _("The group was set up."),
    ("group", "edit"): lambda line, _: _edit_group(line, _),
    ("group", "pause"): lambda line, _: _("The group was paused."),
    ("group", "resume"): lambda line, _: _("The group goes on."),
    ("group", "end"): _end,
    ("group", "archive"): lambda line, _: _("The group was archived."),
    ("group", "restore"): lambda line, _: _("The group was taken out of the archive."),
    ("group", "pay_methods"): lambda line, _: _("How to pay was changed."),
    ("group", "sentence"): lambda line, _: _("The group’s own sentence in requests was changed."),
    ("group", "price"): lambda line, _: _(
        "The price is %(price)s from %(day)s on.",
        price=line.money("amount_minor", _),
        day=line.day("from_on", _),
    ),
    ("group", "opening_refused"): lambda line, _: _("The next period could not be opened."),
    ("group", "repair"): lambda line, _: _("The group’s calendar was put right."),
    ("member", "join"): lambda line, _: _(
        "%(who)s joined, from %(day)s on.", who=_who(line, _), day=line.day("joined_on", _)
    ),
    ("member", "edit"): lambda line, _: _("%(who)s’s terms were changed.", who=_who(line, _)),
    ("member", "leave"): lambda line, _: _(
        "%(who)s leaves on %(day)s.", who=_who(line, _), day=line.day("left_on", _)
    ),
    ("member", "seat"): lambda line, _: _(
        "%(who)s pays for the group now and does not leave.", who=_who(line, _)
    ),
    ("member", "tell"): lambda line, _: _("The welcome to %(who)s was written.", who=_who(line, _)),
    ("period", "open"): lambda line, _: _("%(period)s was opened.", period=_when(line, _)),
    ("period", "edit_period"): _edit_period,
    ("period", "rebalance"): lambda line, _: _(
        "The payer’s share of %(period)s is now %(part)s.",
        period=_when(line, _),
        part=line.money("payer_part", _),
    ),
    ("period", "undo"): _undone_period,
    ("period", "void_period"): _void_period,
    ("period", "restore_period"): lambda line, _: _("%(period)s was restored.", period=_when(line, _)),
    ("period", "repair"): _repair_period,
    ("payment", "open"): _owes,
    ("payment", "claim"): lambda line, _: _("%(who)s said %(period)s is paid.", **_both(line, _)),
    ("payment", "withdraw"): lambda line, _: _(
        "“Paid” was taken back for %(who)s, %(period)s.", **_both(line, _)
    ),
    ("payment", "confirm"): _paid,
    ("payment", "reject"): lambda line, _: _(
        "%(who)s’s “paid” for %(period)s was rejected.", **_both(line, _)
    ),
    ("payment", "lapse"): lambda line, _: _("%(who)s’s payment for %(period)s is overdue.", **_both(line, _)),
    ("payment", "extend"): lambda line, _: _(
        "%(who)s’s payment for %(period)s is not overdue any more.", **_both(line, _)
    ),
    ("payment", "waive"): lambda line, _: _("%(who)s need not pay for %(period)s.", **_both(line, _)),
    ("payment", "unwaive"): lambda line, _: _(
        "%(who)s is to pay for %(period)s after all.", **_both(line, _)
    ),
    ("payment", "reopen"): lambda line, _: _(
        "%(who)s’s payment for %(period)s is open again.", **_both(line, _)
    ),
    ("payment", "adjust"): _owes_now,
    ("payment", "undo"): lambda line, _: _undone(line, _),
    ("payment", "ask"): lambda line, _: _("%(who)s was asked for %(period)s.", **_both(line, _)),
    ("payment", "ask_by_hand"): lambda line, _: _(
        "%(who)s was asked for %(period)s in words of the admin’s own.", **_both(line, _)
    ),
    ("payment", "stop_asking"): lambda line, _: _(
        "Asking %(who)s for %(period)s was stopped before it went out.", **_both(line, _)
    ),
    ("payment", "snooze"): lambda line, _: _("%(who)s asked to wait with %(period)s.", **_both(line, _)),
    ("payment", "object"): lambda line, _: _(
        "%(who)s says something is off with %(period)s.", **_both(line, _)
    ),
    ("payment", "answer"): lambda line, _: _(
        "What %(who)s wrote about %(period)s was answered.", **_both(line, _)
    ),
    ("payment", "dismiss"): lambda line, _: _(
        "What %(who)s wrote about %(period)s was left without an answer.", **_both(line, _)
    ),
    ("payment", "void"): lambda line, _: _("%(who)s’s payment for %(period)s was voided.", **_both(line, _)),
    ("payment", "restore"): lambda line, _: _(
        "%(who)s’s payment for %(period)s was restored.", **_both(line, _)
    ),
    ("payment", "release"): _taken_off,
    ("payment", "reshare"): lambda line, _: _(
        "What %(who)s was forgiven for %(period)s is %(amount)s now.",
        amount=line.money("amount", _),
        **_both(line, _),
    ),
    ("payment", "repair"): lambda line, _: _(
        "What the books say of %(who)s’s payment for %(period)s was put right.", **_both(line, _)
    ),
    ("receipt", "receive"): lambda line, _: _(
        "%(amount)s arrived from %(who)s.", amount=line.money("amount", _), who=_who(line, _)
    ),
    ("receipt", "void_receipt"): lambda line, _: _(
        "A receipt of %(amount)s from %(who)s was voided.", amount=line.money("amount", _), who=_who(line, _)
    ),
    ("receipt", "repair"): lambda line, _: _(
        "What the books say of a receipt from %(who)s was put right.", who=_who(line, _)
    ),
    ("receipt", "undo"): lambda line, _: _("A receipt from %(who)s was undone.", who=_who(line, _)),
    ("contact", "repair"): lambda line, _: _(
        "What the books say of a claim of %(who)s’s was put right.", who=_who(line, _)
    ),
    ("contact", "add"): lambda line, _: _("%(who)s was added to the people.", who=_who(line, _)),
    ("contact", "edit"): lambda line, _: _edit_person(line, _),
    ("contact", "note"): lambda line, _: _("The note about %(who)s was changed.", who=_who(line, _)),
    ("contact", "email"): _email,
    ("contact", "collection_day"): _collection_day,
    ("contact", "unsubscribe"): lambda line, _: _(
        "%(who)s wants no more requests by mail.", who=_who(line, _)
    ),
    ("contact", "resubscribe"): lambda line, _: _("%(who)s gets requests by mail again.", who=_who(line, _)),
    ("contact", "refused"): lambda line, _: _("%(who)s’s address refused a message.", who=_who(line, _)),
    ("contact", "reachable"): lambda line, _: _("%(who)s can be reached again.", who=_who(line, _)),
    ("contact", "give_link"): lambda line, _: _("%(who)s got a new link to their page.", who=_who(line, _)),
    ("contact", "revoke_link"): lambda line, _: _("%(who)s’s link was revoked.", who=_who(line, _)),
    ("contact", "link_chat"): lambda line, _: _("%(who)s linked a Telegram chat.", who=_who(line, _)),
    ("contact", "unlink_chat"): lambda line, _: _("%(who)s’s Telegram chat was unlinked.", who=_who(line, _)),
    ("contact", "restore_chat"): lambda line, _: _(
        "%(who)s’s former Telegram chat was linked again.", who=_who(line, _)
    ),
    ("contact", "choose_channel"): lambda line, _: _(
        "How %(who)s is reached was changed.", who=_who(line, _)
    ),
    ("contact", "test"): lambda line, _: _("A test went to %(who)s.", who=_who(line, _)),
    ("contact", "test_chat"): lambda line, _: _("A test went to %(who)s in Telegram.", who=_who(line, _)),
    ("contact", "invite"): lambda line, _: _("%(who)s was invited to administer.", who=_who(line, _)),
    ("contact", "withdraw_invite"): lambda line, _: _(
        "The invitation of %(who)s was withdrawn.", who=_who(line, _)
    ),
    ("message", "retry"): lambda line, _: _("A message to %(who)s was queued again.", who=_who(line, _)),
    ("message", "hurry"): lambda line, _: _(
        "A request to %(who)s that waited was sent at once.", who=_who(line, _)
    ),
    ("message", "cancel"): lambda line, _: _("A message to %(who)s was stopped.", who=_who(line, _)),
    ("contact", "export"): lambda line, _: _(
        "Everything known about %(who)s was handed out.", who=_who(line, _)
    ),
    ("contact", "erase"): lambda line, _: _(
        "%(who)s: name, addresses and words were erased.", who=_who(line, _)
    ),
    ("user", "add"): lambda line, _: _("%(who)s can sign in.", who=_who(line, _)),
    ("user", "edit"): lambda line, _: _("%(who)s’s account was changed.", who=_who(line, _)),
    ("user", "password"): lambda line, _: _("%(who)s’s password was set.", who=_who(line, _)),
    ("user", "entry"): lambda line, _: _("A link to sign in was made for %(who)s.", who=_who(line, _)),
    ("user", "sign_out"): lambda line, _: _("%(who)s was signed out of all browsers.", who=_who(line, _)),
    ("user", "forget_provider"): lambda line, _: _(
        "%(who)s is linked to the identity provider anew at the next sign-in.", who=_who(line, _)
    ),
    ("user", "role"): _role,
    ("user", "remove"): lambda line, _: _("%(who)s administers no more.", who=_who(line, _)),
    ("user", "second_factor_on"): lambda line, _: _(
        "%(who)s turned the second step at sign-in on.", who=_who(line, _)
    ),
    ("user", "second_factor_off"): lambda line, _: _(
        "The second step at sign-in is off: %(who)s.", who=_who(line, _)
    ),
    ("user", "recovery_codes"): lambda line, _: _("%(who)s made new recovery codes.", who=_who(line, _)),
    ("user", "recovery_code"): lambda line, _: _(
        "%(who)s signed in with a recovery code.", who=_who(line, _)
    ),
    ("workspace", "edit"): lambda line, _: _("The general settings were changed."),
    ("workspace", "group_defaults"): lambda line, _: _("What new groups begin with was changed."),
    ("workspace", "collection_day"): _collection_day,
    ("workspace", "restore"): lambda line, _: _(
        "The books were restored from the backup of %(day)s.", day=line.day("made_on", _)
    ),
    ("workspace", "found"): lambda line, _: _("SubsTrack was set up."),
}
"""What is said of each kind of subject and verb; the verbs are those that services write."""
