"""Who acts: every change of the ledger names one actor and the way it came in."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class ActorKind(StrEnum):
    """Kinds of actors; a bank and a gateway will join them as further verifiers."""

    USER = "user"
    CONTACT = "contact"
    OPERATOR = "operator"
    TIME = "time"
    CREDIT = "credit"


class Via(StrEnum):
    """The edge an act came through."""

    WEB = "web"
    LINK = "link"
    TELEGRAM = "telegram"
    COMMAND_LINE = "command_line"
    WORKER = "worker"


UNDO_SECONDS = {Via.WEB: 10, Via.LINK: 10, Via.TELEGRAM: 10}


@dataclass(frozen=True)
class Actor:
    """One actor; `id` is the key of the user or contact, None for the others."""

    kind: ActorKind
    via: Via
    id: int | None = None

    @classmethod
    def user(cls, user_id: int, via: Via = Via.WEB) -> Actor:
        """Name a signed-in user."""
        return cls(ActorKind.USER, via, user_id)

    @classmethod
    def contact(cls, contact_id: int, via: Via = Via.LINK) -> Actor:
        """Name a member who acts by a link or from their chat."""
        return cls(ActorKind.CONTACT, via, contact_id)

    @property
    def undo_seconds(self) -> int:
        """How long this actor's decisions can be undone and their notices wait."""
        return UNDO_SECONDS.get(self.via, 0)

    @property
    def decides(self) -> bool:
        """Tell whether this actor may decide about other people's payments."""
        return self.kind in (ActorKind.USER, ActorKind.OPERATOR)


OPERATOR = Actor(ActorKind.OPERATOR, Via.COMMAND_LINE)
TIME = Actor(ActorKind.TIME, Via.WORKER)


def credit_of(by: Actor) -> Actor:
    """Name the credit that settles something in the course of another actor's act.

    It is in the name of a user, who may undo it with their act; a member lets no credit settle anything.
    """
    return Actor(ActorKind.CREDIT, by.via, by.id if by.kind is ActorKind.USER else None)
