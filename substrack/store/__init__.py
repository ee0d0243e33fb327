"""Tables and engines. Rows live here; `domain` decides what may happen to them, `services` does it."""

from substrack.store.base import Base, new_public_id, shared_alias
from substrack.store.erasing import Erasure, Suppression
from substrack.store.groups import Group, Member, PayMethod, Price
from substrack.store.inbound import Inbound
from substrack.store.journal import Event
from substrack.store.ledger import (
    Allocation,
    Attachment,
    Attempt,
    AttemptItem,
    AttemptKind,
    AttemptState,
    Direction,
    Payment,
    Period,
    PeriodOrigin,
    Receipt,
    ReceiptSource,
)
from substrack.store.links import Link, LinkPurpose
from substrack.store.outbox import Lane, Message, MessageCount, MessageItem
from substrack.store.people import Address, Connection, Contact
from substrack.store.second_factors import Identity, RecoveryCode, SecondFactor
from substrack.store.tenancy import Installation, Role, RoleGrant, User, UserSession, Workspace
from substrack.store.trying import Tries

__all__ = [
    "Address",
    "Allocation",
    "Attachment",
    "Attempt",
    "AttemptItem",
    "AttemptKind",
    "AttemptState",
    "Base",
    "Connection",
    "Contact",
    "Direction",
    "Erasure",
    "Event",
    "Group",
    "Identity",
    "Inbound",
    "Installation",
    "Lane",
    "Link",
    "LinkPurpose",
    "Member",
    "Message",
    "MessageCount",
    "MessageItem",
    "PayMethod",
    "Payment",
    "Period",
    "PeriodOrigin",
    "Price",
    "Receipt",
    "ReceiptSource",
    "RecoveryCode",
    "Role",
    "RoleGrant",
    "SecondFactor",
    "Suppression",
    "Tries",
    "User",
    "UserSession",
    "Workspace",
    "new_public_id",
    "shared_alias",
]
