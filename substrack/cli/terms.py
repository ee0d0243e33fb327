"""The options that say what a group's terms are, for `group add` and `group edit` alike."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click
from sqlalchemy.orm import Session

from substrack.cli.output import note
from substrack.cli.params import DAY, read_amount
from substrack.domain.cycles import Unit
from substrack.domain.errors import Refused
from substrack.domain.pay_methods import PayMethod, pay_method
from substrack.domain.service_kinds import ServiceKind
from substrack.domain.shares import PartPeriod, SplitKind
from substrack.queries.people import find_contact

F = TypeVar("F", bound=Callable[..., Any])

_AS_THEY_ARE = (
    "name",
    "description",
    "starts_on",
    "ends_on",
    "every",
    "billing_day",
    "payer_included",
    "collect_days_before",
    "due_days",
    "grace_days",
    "repeat_every_days",
    "max_requests",
    "overdue_after_days",
    "hour",
    "time_zone",
    "heads_up_days",
    "tells_opened",
)
_ENUMS: dict[str, Any] = {
    "unit": Unit,
    "split": SplitKind,
    "part_period": PartPeriod,
    "kind": ServiceKind,
}


class HolderWithoutIban(Refused):
    """A holder was named, but of no account."""

    field = "pay_holder"

    def __init__(self) -> None:
        super().__init__("Give the IBAN that the holder belongs to as well, with --pay-iban.")


def terms_options(*, is_new: bool) -> Callable[[F], F]:
    """Add the options; for a new group a name and a currency are required."""

    def choice(kind: Any) -> click.Choice[str]:
        return click.Choice([member.value for member in kind])

    options = [
        click.option("--name", required=is_new),
        click.option("--description"),
        click.option("--kind", type=choice(ServiceKind), help="Which drawing its card carries."),
        click.option("--price", help="What a period costs; not for a variable split."),
        click.option("--currency", required=is_new, help="ISO 4217, such as EUR."),
        click.option("--every", type=int, help="So many units make a period (1)."),
        click.option("--unit", type=choice(Unit)),
        click.option("--billing-day", type=int, help="1–31; in shorter months the last day."),
        click.option("--starts-on", type=DAY),
        click.option("--ends-on", type=DAY, help="No period starts after it."),
        click.option("--split", type=choice(SplitKind)),
        click.option("--payer", help="A contact's id; default: the first owner."),
        click.option("--payer-included/--no-payer-included", default=None, help="Whether the payer shares."),
        click.option("--collect-days-before", type=int),
        click.option("--due-days", type=int),
        click.option("--grace-days", type=int),
        click.option("--repeat-every-days", type=int),
        click.option("--max-requests", type=int),
        click.option("--overdue-after-days", type=int),
        click.option("--hour", type=int, help="The local hour at which time acts (10)."),
        click.option("--timezone", "time_zone", help="Default: the workspace's."),
        click.option(
            "--tolerance",
            help="A rest of up to this amount is written off, if it is at most half of the share.",
        ),
        click.option("--part-period", type=choice(PartPeriod)),
        click.option("--heads-up-days", type=int),
        click.option("--tells-opened/--no-tells-opened", default=None),
        click.option("--pay-link", multiple=True, help="May hold {amount}, {currency} and {reference}."),
        click.option("--pay-iban"),
        click.option("--pay-holder", help="The holder of the IBAN."),
        click.option("--pay-text"),
    ]

    def decorate(command: F) -> F:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


def given_terms(
    session: Session, workspace_id: int, currency: str, options: dict[str, Any], *, unit: Unit = Unit.MONTH
) -> dict[str, Any]:
    """Turn the options that were given into fields of `GroupTerms`; `unit` counts unless another was given.

    Raises:
        AmountRefused, HolderWithoutIban, IbanRefused, PayLinkRefused, UnknownPerson.
    """
    if options.get("billing_day") is not None and Unit(options.get("unit") or unit) is Unit.WEEK:
        note("Weeks count from the day they start; the billing day is not used.")
    given = {name: options[name] for name in _AS_THEY_ARE if options.get(name) is not None}
    given |= {name: kind(options[name]) for name, kind in _ENUMS.items() if options.get(name) is not None}
    if options.get("price") is not None:
        given["price"] = read_amount(options["price"], currency, flag="price")
    if options.get("tolerance") is not None:
        given["tolerance_minor"] = read_amount(options["tolerance"], currency, flag="tolerance").minor
    if options.get("payer") is not None:
        given["payer_id"] = find_contact(session, workspace_id, options["payer"])
    methods = _pay_methods(options)
    return given | ({"pay_methods": methods} if methods else {})


def _pay_methods(options: dict[str, Any]) -> tuple[PayMethod, ...]:
    methods = [pay_method("link", {"url": url}) for url in options["pay_link"]]
    if options["pay_iban"] is not None:
        fields = {"iban": options["pay_iban"], "holder": options["pay_holder"] or ""}
        methods.append(pay_method("iban", fields))
    elif options["pay_holder"] is not None:
        raise HolderWithoutIban
    if options["pay_text"] is not None:
        methods.append(pay_method("text", {"text": options["pay_text"]}))
    return tuple(methods)
