"""What each column holds about people, and what becomes of it when a person is erased.

Exports and erasures are made from these tables, so a column that is not here can be in neither: a new one
without a tag fails a test. `queries.personal` says whose each row is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final


class Holds(StrEnum):
    """What a column says about the person a row belongs to."""

    NONE = "none"
    IDENTITY = "identity"
    CONTACT_DATA = "contact data"
    CHOICE = "choice"
    WORDS = "words"
    MONEY = "money"
    SECRET = "secret"
    TECHNICAL = "technical"


class Erasing(StrEnum):
    """What an erasure does: `REPLACED` by a neutral name; `SIFTED` leaves ids, numbers, days and statuses.

    `REMOVED`: the whole row goes.
    """

    KEPT = "kept"
    EMPTIED = "emptied"
    REPLACED = "replaced"
    SIFTED = "sifted"
    REMOVED = "removed"


@dataclass(frozen=True)
class Tag:
    """What a column holds about people, and what erasing does to it."""

    holds: Holds
    erasing: Erasing = Erasing.KEPT


Tags = Mapping[str, Tag]


def _keeps(holds: Holds, columns: str) -> dict[str, Tag]:
    return dict.fromkeys(columns.split(), Tag(holds))


def _empties(holds: Holds, columns: str) -> dict[str, Tag]:
    return dict.fromkeys(columns.split(), Tag(holds, Erasing.EMPTIED))


def _removes(holds: Holds, columns: str) -> dict[str, Tag]:
    return dict.fromkeys(columns.split(), Tag(holds, Erasing.REMOVED))


def _replaces(columns: str) -> dict[str, Tag]:
    return dict.fromkeys(columns.split(), Tag(Holds.IDENTITY, Erasing.REPLACED))


def _sifts(columns: str) -> dict[str, Tag]:
    return dict.fromkeys(columns.split(), Tag(Holds.WORDS, Erasing.SIFTED))


PRIVACY: Final[Mapping[str, Tags]] = MappingProxyType(
    {
        "addresses": {
            **_keeps(Holds.TECHNICAL, "id contact_id connection_id channel created_at refused_since"),
            **_keeps(Holds.CHOICE, "unsubscribed_at"),
            **_empties(Holds.CONTACT_DATA, "value value_key reason"),
        },
        "allocations": {
            **_keeps(Holds.TECHNICAL, "id receipt_id payment_id made_at voided_at keeps_away"),
            **_keeps(Holds.MONEY, "amount_minor"),
        },
        "attachments": {
            **_removes(Holds.TECHNICAL, "id public_id attempt_id kind size"),
            **_removes(Holds.WORDS, "bytes"),
        },
        "attempt_items": {
            **_keeps(Holds.TECHNICAL, "id attempt_id payment_id"),
            **_keeps(Holds.MONEY, "state closed_at"),
            **_empties(Holds.WORDS, "reason"),
        },
        "attempts": {
            **_keeps(Holds.TECHNICAL, "id public_id workspace_id contact_id payer_id kind via flagged"),
            **_keeps(Holds.MONEY, "state amount_minor currency paid_on made_at decided_at"),
            **_empties(Holds.WORDS, "method note"),
        },
        "connections": _keeps(
            Holds.NONE,
            "id workspace_id channel name settings state receiver_token receiver_until next_update_id "
            "refused_since",
        ),
        "contacts": {
            **_keeps(Holds.TECHNICAL, "id public_id workspace_id created_at erased_at"),
            **_replaces("name"),
            **_keeps(Holds.CHOICE, "channel_choice requested_on"),
            **_empties(Holds.CHOICE, "language time_zone collection_day fresh_link_at"),
            **_empties(Holds.WORDS, "note"),
        },
        "erasures": _keeps(Holds.TECHNICAL, "id workspace_id contact_public_id erased_at"),
        "events": {
            **_keeps(
                Holds.TECHNICAL,
                "id workspace_id group_id payment_id subject_kind subject_id actor_kind actor_id via "
                "correlation_id",
            ),
            **_keeps(Holds.CHOICE, "verb at"),
            **_empties(Holds.WORDS, "reason"),
            **_sifts("before after"),
        },
        "groups": {
            **_keeps(
                Holds.NONE,
                "id public_id workspace_id kind pay_changed_at payer_included "
                "currency exponent split unit every billing_day starts_on anchor_on anchor_sequence "
                "next_sequence collect_days_before due_days grace_days repeat_every_days max_requests "
                "overdue_after_days hour time_zone part_period tolerance_minor heads_up_days tells_opened "
                "next_open_at paused_at ends_on archived_at version created_at",
            ),
            **_keeps(Holds.TECHNICAL, "payer_id"),
            **_keeps(Holds.WORDS, "name description request_sentence"),
        },
        "identities": {
            **_removes(Holds.TECHNICAL, "id user_id linked_at"),
            **_removes(Holds.IDENTITY, "issuer subject"),
        },
        "inbound": {
            **_removes(
                Holds.TECHNICAL,
                "id connection_id received_at processed_at attempts lease_token lease_until",
            ),
            **_removes(Holds.CONTACT_DATA, "chat_id dedupe_key"),
            **_removes(Holds.WORDS, "body outcome last_error"),
        },
        "installation": _keeps(
            Holds.NONE,
            "id last_tick_at hold_reason held_since steady_since secret_fingerprint restored_at "
            "restored_from restored_upto backup_at backup_until backup_error tick_ms",
        ),
        "lanes": {
            **_removes(Holds.TECHNICAL, "id paused_until failing_since next_at last_error"),
            **_removes(Holds.CONTACT_DATA, "name"),
        },
        "links": {
            **_keeps(
                Holds.TECHNICAL,
                "id workspace_id purpose contact_id user_id attempt_id address_id created_at expires_at "
                "used_at revoked_at",
            ),
            **_keeps(Holds.SECRET, "jti"),
            **_empties(Holds.CONTACT_DATA, "email chat_id chat_name"),
        },
        "members": {
            **_keeps(Holds.TECHNICAL, "id public_id group_id contact_id created_at"),
            **_keeps(Holds.MONEY, "weight fixed_minor joined_on left_on told_at"),
        },
        "message_counts": _keeps(Holds.NONE, "id channel fate shard count"),
        "message_items": _keeps(Holds.TECHNICAL, "id message_id payment_id step channel"),
        "messages": {
            **_keeps(
                Holds.TECHNICAL,
                "id public_id workspace_id contact_id address_id channel lane correlation_id dedupe_key "
                "expires_at attempts lease_token lease_until attempt_id edits edit_at",
            ),
            **_keeps(Holds.CHOICE, "notice state due_at created_at sent_at emptied_at"),
            **_empties(Holds.WORDS, "rendered provider_id last_error"),
            **_sifts("payload"),
        },
        "pay_methods": {
            **_removes(Holds.TECHNICAL, "id group_id payer_id position kind"),
            **_removes(Holds.CONTACT_DATA, "fields"),
        },
        "payments": {
            **_keeps(
                Holds.TECHNICAL,
                "id public_id workspace_id group_id member_id contact_id payer_id period_id kind part_days "
                "version pending_at nudged_at objection next_action_at",
            ),
            **_keeps(
                Holds.MONEY,
                "amount_minor received_minor written_off_minor currency weight is_fixed status reference "
                "due_on asked_on requested_on requests_sent requests_before exhausted_at snoozed_until "
                "created_at closed_at voided_at",
            ),
        },
        "periods": {
            **_keeps(
                Holds.NONE,
                "id public_id group_id member_id sequence starts_on ends_on due_on opens_on total_minor "
                "billed_minor payer_part_minor origin opened_at billed_at voided_at version",
            ),
            **_keeps(Holds.TECHNICAL, "payer_id"),
        },
        "prices": _keeps(Holds.NONE, "id group_id from_on amount_minor"),
        "receipts": {
            **_keeps(
                Holds.TECHNICAL, "id public_id workspace_id contact_id payer_id group_id source attempt_id"
            ),
            **_keeps(Holds.MONEY, "amount_minor currency direction received_on created_at voided_at"),
            **_empties(Holds.WORDS, "method note external_key void_reason"),
        },
        "recovery_codes": {
            **_removes(Holds.TECHNICAL, "id user_id used_at"),
            **_removes(Holds.SECRET, "selector code_hash"),
        },
        "roles": {
            **_keeps(Holds.TECHNICAL, "id workspace_id user_id contact_id"),
            **_keeps(Holds.IDENTITY, "role"),
        },
        "second_factors": {
            **_removes(Holds.TECHNICAL, "id user_id turned_on_at"),
            **_removes(Holds.SECRET, "sealed_secret last_step"),
        },
        "suppressions": _keeps(Holds.TECHNICAL, "id workspace_id digest suppressed_at"),
        "tries": _keeps(Holds.TECHNICAL, "id subject tried_at last_at"),
        "user_sessions": {
            **_removes(Holds.TECHNICAL, "id public_id user_id confirmed_at wrong_passwords"),
            **_removes(Holds.SECRET, "token_hash"),
            **_removes(Holds.CONTACT_DATA, "agent created_at seen_at ended_at"),
        },
        "users": {
            **_keeps(Holds.TECHNICAL, "id public_id created_at deactivated_at password_changed_at"),
            **_replaces("name"),
            **_empties(Holds.CONTACT_DATA, "email email_key"),
            **_empties(Holds.CHOICE, "language"),
            **_empties(Holds.SECRET, "password_hash"),
        },
        "workspaces": _keeps(
            Holds.NONE,
            "id public_id name time_zone language collection_day group_defaults created_at",
        ),
    }
)  # fmt: skip
"""Table → column → tag. Names are those in the database."""

NOBODYS: Final = frozenset(
    {
        "connections",
        "erasures",
        "installation",
        "message_counts",
        "periods",
        "prices",
        "suppressions",
        "tries",
        "workspaces",
    }
)
"""Tables whose rows belong to no one person."""
