"""People who use Telegram, and groups they are in: whatever they do becomes an update for the bot."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.fakes.telegram_chats import (
    Chat,
    Press,
    Refused,
    Shown,
    User,
    chat_json,
    commands_in,
    inaccessible_json,
    membership_change,
    message_json,
    user_json,
)
from tests.fakes.telegram_world import World

WAIT_SECONDS = 5.0


@dataclass(eq=False)
class Person:
    """Somebody with Telegram; `chat` is their private chat with the bot, which may write once they did."""

    world: World
    user: User
    chat: Chat

    @property
    def id(self) -> int:
        """The number of the person and of their private chat."""
        return self.user.id

    @property
    def messages(self) -> list[Shown]:
        """Everything in their chat with the bot, oldest first."""
        with self.world.changed:
            return list(self.chat.messages)

    @property
    def inbox(self) -> list[Shown]:
        """What the bot wrote to them."""
        return [each for each in self.messages if each.sender.is_bot]

    @property
    def last(self) -> Shown:
        """The latest the bot wrote."""
        assert self.inbox, f"nothing for {self.user.name} yet"
        return self.inbox[-1]

    def waits_for(self, is_it: Callable[[Shown], bool], seconds: float = WAIT_SECONDS) -> Shown:
        """Look at the phone until a message from the bot fits; return the latest that does."""
        with self.world.changed:
            self.world.changed.wait_for(lambda: any(map(is_it, self.inbox)), seconds)
        found = [each for each in self.inbox if is_it(each)]
        seen = [each.text for each in self.inbox[-3:]]
        assert found, f"{self.user.name} waited in vain; last seen: {seen}"
        return found[-1]

    def starts(self, payload: str = "") -> Shown:
        """Open the chat by its button, or by a link with a payload."""
        return self.says(f"/start {payload}".strip())

    def says(self, text: str, *, to: Chat | None = None, reply_to: Shown | None = None) -> Shown:
        """Write to the bot, or into a group."""
        return self._writes(to, text=text, reply_to=reply_to, entities=commands_in(text))

    def sends_photo(
        self, data: bytes, caption: str = "", *, to: Chat | None = None, reply_to: Shown | None = None
    ) -> Shown:
        """Send a picture as a picture."""
        file = self.world.keep("photo", data)
        return self._writes(to, text=caption, reply_to=reply_to, file=file)

    def sends_document(
        self,
        data: bytes,
        name: str,
        mime_type: str,
        caption: str = "",
        *,
        to: Chat | None = None,
        reply_to: Shown | None = None,
    ) -> Shown:
        """Send a file."""
        file = self.world.keep("document", data, name, mime_type)
        return self._writes(to, text=caption, reply_to=reply_to, file=file)

    def forwards(self, message: Shown, *, to: Chat | None = None) -> Shown:
        """Forward a message; buttons that send data stay behind, those that open an address come along."""
        rows = (tuple(each for each in row if each.url) for row in message.buttons)
        return self._writes(
            to,
            text=message.text,
            entities=list(message.entities),
            file=message.file,
            buttons=tuple(row for row in rows if row),
            forwarded_from=message.sender,
        )

    def edits(self, message: Shown, text: str) -> None:
        """Change what they wrote."""
        with self.world.changed:
            message.earlier.append(message.text)
            message.text, message.edits = text, message.edits + 1
            edited = message_json(message) | {"edit_date": int(time.time())}
            self.world.updates.add("edited_message", edited)

    def presses(
        self, message: Shown, label: str = "", *, data: str | None = None, is_old: bool = False
    ) -> Press:
        """Press a button the message shows now; `data` forges one, or presses one that is gone by now.

        Whose chat it is does not matter: a stranger who got hold of a message presses like anyone.
        `is_old`: the bot is told no more of the message than its number.
        """
        with self.world.changed:
            chosen = message.button(label).data if data is None else data
            assert chosen is not None, f"{label!r} opens an address"
            press = self.world.new_press()
            query = {
                "id": press.query_id,
                "from": user_json(self.user),
                "message": inaccessible_json(message) if is_old else message_json(message),
                "chat_instance": str(message.chat.id * 7919),
                "data": chosen,
            }
            press.update = self.world.updates.add("callback_query", query)
            return press

    def waits_for_answer(self, press: Press, seconds: float = WAIT_SECONDS) -> str:
        """Wait until the button stops spinning; return what is shown then."""
        with self.world.changed:
            self.world.changed.wait_for(lambda: press.answers, seconds)
        assert press.answers, "the button still spins"
        return press.answers[-1]

    def blocks(self) -> None:
        """Block the bot, which hears of it."""
        self._lets((403, "Forbidden: bot was blocked by the user", {}), before="member", after="kicked")

    def unblocks(self) -> None:
        """Let the bot write again."""
        self._lets(None, before="kicked", after="member")

    def leaves_telegram(self) -> None:
        """Delete the account; the bot hears of it only when it writes next."""
        with self.world.changed:
            self.chat.refusal = (403, "Forbidden: user is deactivated", {})

    def _lets(self, refusal: Refused | None, *, before: str, after: str) -> None:
        with self.world.changed:
            self.chat.refusal = refusal
            change = membership_change(
                self.chat, self.user, self.world.bot, before=before, after=after, at=int(time.time())
            )
            self.world.updates.add("my_chat_member", change)

    def _writes(self, to: Chat | None, **what: Any) -> Shown:
        with self.world.changed:
            message = self.world.show(to or self.chat, self.user, **what)
            if to is None:
                self.chat.is_known = True
            self.world.updates.add("message", message_json(message))
            return message


@dataclass(eq=False)
class Group:
    """A group the bot was added to."""

    world: World
    chat: Chat

    @property
    def messages(self) -> list[Shown]:
        """Everything in it, oldest first."""
        with self.world.changed:
            return list(self.chat.messages)

    def removes_bot(self, by: Person) -> None:
        """Throw the bot out."""
        with self.world.changed:
            self.chat.refusal = (403, "Forbidden: bot was kicked from the group chat", {})
            change = membership_change(
                self.chat, by.user, self.world.bot, before="member", after="kicked", at=int(time.time())
            )
            self.world.updates.add("my_chat_member", change)

    def becomes_supergroup(self, new_id: int, by: Person) -> Chat:
        """Change the kind of group, and with it its number; the old one refuses and names the new one."""
        with self.world.changed:
            old, new = self.chat, self.world.open_chat(new_id, "supergroup", self.chat.title)
            words = "Bad Request: group chat was upgraded to a supergroup chat"
            old.refusal = (400, words, {"migrate_to_chat_id": new_id})
            for chat, note in (
                (old, {"migrate_to_chat_id": new_id}),
                (new, {"migrate_from_chat_id": old.id}),
            ):
                message = self.world.show(chat, by.user)
                self.world.updates.add("message", message_json(message) | {"chat": chat_json(chat)} | note)
            self.chat = new
            return new
