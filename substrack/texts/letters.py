"""Letters: from the facts of a notice to the exact subject, text and HTML that is sent and kept.

A letter is composed as blocks first; the templates only lay blocks out, so text and HTML say the same.
Nothing here knows addresses, servers or tables.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Self

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from substrack.domain.letter_links import LetterLinks
from substrack.domain.letters import Letter
from substrack.domain.notices import Notice, rules_of
from substrack.texts import (
    account_letters,
    admin_letters,
    answer_letters,
    changing_letters,
    linking_letters,
    member_letters,
    received_letters,
    trust_letters,
)
from substrack.texts.blocks import Block, Composition, Paragraph, PlainLink
from substrack.texts.catalogue import language_of
from substrack.texts.words import Words

if TYPE_CHECKING:
    from css_inline import CSSInliner

__all__ = ["LetterLinks", "RenderedLetter", "compose", "render"]

TEMPLATES = Path(__file__).parents[2] / "templates" / "messages"
PRODUCT = "SubsTrack"
MAX_SUBJECT = 200
MAX_NAME = 40

COMPOSERS: Mapping[Notice, Callable[[Letter, Any, Words], Composition]] = MappingProxyType(
    {
        Notice.WELCOME: member_letters.welcome,
        Notice.REQUEST: member_letters.request,
        Notice.REMINDER: member_letters.reminder,
        Notice.HEADS_UP: member_letters.heads_up,
        Notice.PERIOD_OPENED: member_letters.period_opened,
        Notice.PRICE_CHANGE: member_letters.price_change,
        Notice.SHARE_CHANGED: changing_letters.share_changed,
        Notice.RECEIVED: received_letters.received,
        Notice.PART_RECEIVED: received_letters.part_received,
        Notice.REJECTED: member_letters.rejected,
        Notice.WAIVED: member_letters.waived,
        Notice.OBJECTION_ANSWERED: answer_letters.objection_answered,
        Notice.FRESH_LINK: member_letters.fresh_link,
        Notice.CLAIM_RECEIVED: admin_letters.claim_received,
        Notice.CLAIMS_WAITING: admin_letters.claims_waiting,
        Notice.BILL_WANTED: admin_letters.bill_wanted,
        Notice.REQUESTS_EXHAUSTED: admin_letters.requests_exhausted,
        Notice.OBJECTION: admin_letters.objection,
        Notice.ADDRESS_REFUSED: admin_letters.address_refused,
        Notice.UNSUBSCRIBED: admin_letters.unsubscribed,
        Notice.INVITE: account_letters.invite,
        Notice.SETUP: account_letters.setup,
        Notice.RESET: account_letters.reset,
        Notice.TEST: account_letters.test,
        Notice.CHAT_LINKED: linking_letters.chat_linked,
        Notice.CHAT_REPLACED: linking_letters.chat_replaced,
        Notice.STALE_CODE: linking_letters.stale_code,
        Notice.BOT_REFUSED: linking_letters.bot_refused,
        Notice.MAILBOX_REPLACED: trust_letters.mailbox_replaced,
        Notice.PAY_DETAILS_CHANGED: trust_letters.pay_details_changed,
        Notice.CHAT_DISPUTED: trust_letters.chat_disputed,
    }
)


@dataclass(frozen=True)
class RenderedLetter:
    """The exact words of one letter, as they are stored before the first send.

    `references` are thread ids without a host (`payment-<public id>`); the channel adds its own.
    """

    subject: str
    text: str
    html: str
    from_name: str
    reply_to: str | None = None
    references: tuple[str, ...] = ()
    unsubscribe: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return the form that is stored as JSON."""
        return asdict(self) | {"references": list(self.references)}

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Self:
        """Read what `as_dict` wrote; whatever else is stored with it is left out."""
        known = {field.name: stored[field.name] for field in fields(cls) if field.name in stored}
        return cls(**{**known, "references": tuple(stored.get("references", ()))})


def render(letter: Letter) -> RenderedLetter:
    """Put a letter into words: text first, HTML with the same blocks, a subject on one line."""
    composition = compose(letter)
    facts = _frame(letter, composition)
    return RenderedLetter(
        subject=_one_line(composition.subject)[:MAX_SUBJECT],
        text=_breakable(_template("letter.txt").render(facts)),
        html=_inliner().inline(_template("letter.html").render(facts)),
        from_name=from_name(letter),
        reply_to=letter.reply_to,
        references=(f"payment-{letter.thread}",) if letter.thread else (),
        unsubscribe=_unsubscribe(letter),
    )


def compose(letter: Letter) -> Composition:
    """Choose the words of a letter; every channel lays out the same blocks."""
    return COMPOSERS[letter.notice](letter, letter.content, Words(language_of(letter.locale)))


def from_name(letter: Letter) -> str:
    """Name the sender as the reader should see it: "Olga (YouTube Premium) via SubsTrack"."""
    if len({payer.name for payer in letter.payers}) != 1:
        return PRODUCT
    who = _shortened(letter.payers[0].name)
    if len(set(letter.groups)) == 1:
        who = f"{who} ({_shortened(letter.groups[0])})"
    return Words(language_of(letter.locale))("%(who)s via %(product)s", who=who, product=PRODUCT)


def _frame(letter: Letter, composition: Composition) -> dict[str, Any]:
    _ = Words(language_of(letter.locale))
    return {
        "language": _.locale.replace("_", "-"),
        "subject": _one_line(composition.subject),
        "greeting": _("Hi %(name)s,", name=_one_line(letter.to.name)) if letter.to.name else _("Hello,"),
        "blocks": composition.blocks,
        "footer": _footer(letter, _),
    }


def _footer(letter: Letter, _: Words) -> tuple[Block, ...]:
    lines: list[Block] = [Paragraph(words) for words in _introduction(letter, _)]
    if letter.reply_to and len(letter.payers) == 1 and letter.reply_to == letter.payers[0].email:
        name = letter.payers[0].name
        lines.append(Paragraph(_("Questions? Reply to this mail; it goes to %(name)s.", name=name)))
    lines.append(Paragraph(_("Sent by SubsTrack, which keeps count of what people share.")))
    unsubscribe = _unsubscribe(letter)
    if unsubscribe:
        lines.append(PlainLink(_("Stop these mails"), unsubscribe))
    return tuple(lines)


def _introduction(letter: Letter, _: Words) -> tuple[str, ...]:
    """Tell whoever has never heard of us why this came, and how to stop it."""
    first = letter.introduction
    if first is None:
        return ()
    if first.who:
        why = _("This is your first mail from here: %(name)s added you.", name=_one_line(first.who))
    else:
        why = _(
            "This is your first mail from here: whoever runs “%(workspace)s” added you.",
            workspace=_one_line(first.workspace),
        )
    stop = (_("If you want no requests, use the link at the end."),) if _unsubscribe(letter) else ()
    remove = _("To have your address removed, tell whoever added you.")
    return (" ".join((why, *stop, remove)),)


def _unsubscribe(letter: Letter) -> str | None:
    return letter.links.unsubscribe if rules_of(letter.notice).is_asking else None


def _one_line(text: str) -> str:
    """Leave nothing that could end a header or a line: control characters become spaces."""
    visible = re.sub(r"[\x00-\x20\x7f-\xa0\u2009\u2028\u2029\u202a-\u202e\u202f\u2066-\u2069]+", " ", text)
    return visible.strip()


def _shortened(name: str) -> str:
    line = _one_line(name)
    return line if len(line) <= MAX_NAME else f"{line[: MAX_NAME - 1].rstrip()}…"


def _breakable(text: str) -> str:
    """Plain text is searched and copied: its spaces are ordinary ones."""
    return re.sub("[\xa0\u2009\u202f]", " ", text).rstrip() + "\n"


def _template(name: str) -> Any:
    return _environment().get_template(name)


@cache
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=select_autoescape(("html",)),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


@cache
def _inliner() -> CSSInliner:
    import css_inline  # 2 MB, for whoever puts a letter into words

    return css_inline.CSSInliner(keep_at_rules=True, load_remote_stylesheets=False)
