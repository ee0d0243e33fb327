"""What is said when a chat is linked, replaced or tried with an old code, and when the bot is refused."""

from __future__ import annotations

from substrack.domain.letters import About, Letter, Plain
from substrack.texts.blocks import Action, Composition, Paragraph
from substrack.texts.words import Words


def chat_linked(letter: Letter, content: Plain, _: Words) -> Composition:
    """Say in a chat that it is linked, and what will come here."""
    opening = _(
        "This chat is linked: what %(workspace)s has for you comes here.", workspace=content.workspace
    )
    if content.for_admin:
        undo = _("Send /pending to see what waits for your check, /unlink to undo this.")
        button = Action(_("Payments to check"), letter.links.waiting, _("They are here:"))
        return Composition(_("Linked to SubsTrack"), (Paragraph(opening), Paragraph(undo), button))
    undo = _("Send /status to see what is open, /unlink to undo this.")
    button = Action(_("See what is open"), letter.links.pay or letter.links.home, _("Your page:"))
    return Composition(_("Linked to SubsTrack"), (Paragraph(opening), Paragraph(undo), button))


def chat_replaced(letter: Letter, content: Plain, _: Words) -> Composition:
    """Tell the chat that was linked before that another has taken its place."""
    opening = _(
        "Another chat was linked in the place of this one for %(workspace)s.", workspace=content.workspace
    )
    question = _("If that wasn’t you, say so: this chat is linked again and the other one is not.")
    button = Action(_("Open SubsTrack"), letter.links.home, _("SubsTrack is here:"))
    return Composition(_("Another chat is linked now"), (Paragraph(opening), Paragraph(question), button))


def stale_code(letter: Letter, content: About, _: Words) -> Composition:
    """Tell an admin that somebody came with an invitation that no longer works."""
    name = content.member.name
    opening = _(
        "Somebody opened an invitation to Telegram that was made for %(name)s and no longer works.", name=name
    )
    button = Action(_("Look at your people"), letter.links.home, _("Make a new one on their page:"))
    return Composition(
        _("Somebody opened %(name)s’s old invitation", name=name), (Paragraph(opening), button)
    )


def bot_refused(letter: Letter, content: Plain, _: Words) -> Composition:
    """Tell an admin that Telegram takes the bot's token no longer, and what to do."""
    opening = _(
        "Telegram no longer accepts the token of the bot of %(workspace)s: nothing goes out in Telegram, and "
        "what people press there does not arrive.",
        workspace=content.workspace,
    )
    calm = _("Nothing is lost and every chat stays linked. Messages wait, and mail goes on as usual.")
    advice = _(
        "Send /token to @BotFather in Telegram and choose the bot. Put the new token into SubsTrack’s "
        "settings (SUBSTRACK_TELEGRAM_TOKEN) and start SubsTrack again."
    )
    button = Action(_("Open SubsTrack"), letter.links.home, _("See how the bot is doing here:"))
    blocks = (Paragraph(opening), Paragraph(calm), Paragraph(advice), button)
    return Composition(_("Telegram refuses your bot’s token"), blocks)
