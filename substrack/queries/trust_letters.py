"""What changed about where messages go and where money goes, as it stands when the letter is sent."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from substrack.domain.letters import ChatDisputed, MailboxReplaced, PayDetailsChanged
from substrack.queries.letter_facts import Facts, Reading, person
from substrack.store import Address, Group, User


def mailbox_replaced(reading: Reading) -> Facts | None:
    """Nothing is left to say once the former mailbox is the one in use again."""
    message = reading.message
    address = reading.session.get(Address, message.address_id)
    if address is None or address.value_key == str(message.payload["former"]).casefold():
        return None
    return Facts(MailboxReplaced(reading.workspace.name, address.value or None))


def chat_disputed(reading: Reading) -> Facts | None:
    payload = reading.message.payload
    member = person(reading, payload["contact_id"])
    return Facts(ChatDisputed(member, payload["is_out"], payload["is_back"]), reply_to=member.email)


def pay_details_changed(reading: Reading) -> Facts | None:
    payload = reading.message.payload
    group = reading.session.get_one(Group, payload["group_id"])
    user = reading.session.get(User, payload["by"]) if payload["by"] else None
    at = reading.message.created_at.astimezone(ZoneInfo(reading.time_zone))
    content = PayDetailsChanged(group.name, group.public_id, user.name if user else None, at)
    return Facts(content, groups=(group.name,))
