"""What those who sign in are told about their access."""

from __future__ import annotations

from substrack.domain.letters import Account, Letter, Plain
from substrack.texts.blocks import Action, Block, Composition, Paragraph
from substrack.texts.words import Words


def invite(letter: Letter, content: Account, _: Words) -> Composition:
    """Invite another admin."""
    opening = _(
        "%(name)s invites you to look after %(workspace)s on SubsTrack as an admin.",
        name=content.invited_by or content.workspace,
        workspace=content.workspace,
    )
    button = _button(letter, _("Accept the invitation"), _("Choose your password here:"))
    subject = _("Join %(workspace)s on SubsTrack", workspace=content.workspace)
    return Composition(subject, (Paragraph(opening), *button, *_until(content, _)))


def setup(letter: Letter, content: Account, _: Words) -> Composition:
    """Let somebody who was added by the command line choose their password."""
    opening = _(
        "You can look after %(workspace)s on SubsTrack. All that is missing is a password of yours.",
        workspace=content.workspace,
    )
    button = _button(letter, _("Choose a password"), _("Choose it here:"))
    return Composition(
        _("Choose your password for SubsTrack"), (Paragraph(opening), *button, *_until(content, _))
    )


def reset(letter: Letter, content: Account, _: Words) -> Composition:
    """Lead somebody who forgot their password back in."""
    opening = _("Somebody asked for a new password for your account on SubsTrack.")
    button = _button(letter, _("Choose a new password"), _("Choose it here:"))
    not_you = _("If it wasn’t you, there is nothing to do: your password stays as it is.")
    blocks = (Paragraph(opening), *button, *_until(content, _), Paragraph(not_you))
    return Composition(_("A new password for SubsTrack"), blocks)


def test(letter: Letter, content: Plain, _: Words) -> Composition:
    """Show that messages arrive."""
    opening = _(
        "This is a test. If you can read it, %(workspace)s reaches you here.", workspace=content.workspace
    )
    button = Action(_("Open SubsTrack"), letter.links.home, _("Links lead here:"))
    return Composition(_("A test from SubsTrack"), (Paragraph(opening), button))


def _button(letter: Letter, label: str, lead: str) -> tuple[Block, ...]:
    return () if letter.links.account is None else (Action(label, letter.links.account, lead),)


def _until(content: Account, _: Words) -> tuple[Block, ...]:
    if content.until is None:
        return ()
    words = _("The link works once, until %(moment)s.", moment=_.moment(content.until))
    return (Paragraph(words),)
