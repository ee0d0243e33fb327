"""What is said so that nobody can quietly put themselves between members and whom they pay."""

from __future__ import annotations

from substrack.domain.letters import ChatDisputed, Letter, MailboxReplaced, PayDetailsChanged
from substrack.texts.blocks import Action, Composition, Paragraph
from substrack.texts.words import Words


def mailbox_replaced(letter: Letter, content: MailboxReplaced, _: Words) -> Composition:
    """Tell the mailbox that worked until now that another one gets the mail, without giving that one away."""
    if content.address is None:
        return _mailbox_removed(content.workspace, _)
    opening = _(
        "What %(workspace)s sends you goes to %(address)s from now on, and no longer here.",
        workspace=content.workspace,
        address=hinted(content.address),
    )
    question = _("If this surprises you, please ask whoever collects the money for you.")
    link = _("The link to your page that you got here no longer opens; the next message carries a new one.")
    return Composition(
        _("Your mail from SubsTrack goes elsewhere now"),
        (Paragraph(opening), Paragraph(link), Paragraph(question)),
    )


def _mailbox_removed(workspace: str, _: Words) -> Composition:
    opening = _(
        "This address was removed: what %(workspace)s sends you comes here no more.", workspace=workspace
    )
    link = _("The link to your page that you got here no longer opens.")
    question = _("If this surprises you, please ask whoever collects the money for you.")
    return Composition(
        _("No more mail from SubsTrack comes here"),
        (Paragraph(opening), Paragraph(link), Paragraph(question)),
    )


def chat_disputed(letter: Letter, content: ChatDisputed, _: Words) -> Composition:
    """Tell an admin that another chat took the place of somebody's, or that the former one objected."""
    name = content.member.name
    if content.is_out:
        subject = _("%(name)s says that a chat isn’t theirs", name=name)
        opening = _("The Telegram chat %(name)s had before says that the new one wasn’t them.", name=name)
        done = _("The new chat is out, and so are links of theirs that were still open.")
        back, none = _("The former one is linked again."), _("No chat of theirs is linked now.")
        blocks = (Paragraph(opening), Paragraph(f"{done} {back if content.is_back else none}"))
    else:
        subject = _("%(name)s has another chat now", name=name)
        opening = _("Another Telegram chat was linked in the place of the one %(name)s had.", name=name)
        advice = _("The former one was told, and can object for a week. If in doubt, ask them.")
        blocks = (Paragraph(opening), Paragraph(advice))
    button = Action(_("Look at your people"), letter.links.home, _("How they are reached is on their page:"))
    return Composition(subject, (*blocks, button))


def pay_details_changed(letter: Letter, content: PayDetailsChanged, _: Words) -> Composition:
    """Tell an admin who changed how to pay for a group."""
    values = {"group": content.group, "name": content.by, "moment": _.moment(content.at)}
    if content.by is None:
        opening = _("How to pay for %(group)s was changed by the command line, %(moment)s.", **values)
    else:
        opening = _("How to pay for %(group)s was changed by %(name)s, %(moment)s.", **values)
    check = _("Members send their money there from now on, so look whether it is right.")
    advice = _("If nobody of you did this, put it back and change your passwords.")
    button = Action(
        _("Look at how to pay"), letter.links.group(content.group_id), _("It is on the group’s page:")
    )
    subject = _("How to pay for %(group)s was changed", group=content.group)
    return Composition(subject, (Paragraph(opening), Paragraph(check), Paragraph(advice), button))


def hinted(address: str) -> str:
    """Write an address so that its owner knows it and nobody else learns it: "b…@example.org"."""
    name, _at, host = address.rpartition("@")
    return f"{name[:1]}…@{host}"
