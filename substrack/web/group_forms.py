"""The form of a group: everything its terms say, how to pay, and at first also who joins."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from wtforms import BooleanField, FieldList, FormField, HiddenField, SelectField, StringField

from substrack.domain.currencies import currency_code
from substrack.domain.cycles import Unit
from substrack.domain.errors import Phrase, Refused
from substrack.domain.money import Money
from substrack.domain.pay_methods import PayMethod
from substrack.domain.service_kinds import ServiceKind
from substrack.domain.shares import FixedAmountMissing, PartPeriod, SplitKind
from substrack.domain.terms import GroupTerms, check_terms
from substrack.domain.wording import MAX_NAME
from substrack.queries.group_form import EarlierWays
from substrack.queries.people_choices import PersonChoice
from substrack.web.choosing import TYPED_LABEL, chosen_person
from substrack.web.fields import (
    area,
    day,
    line,
    one_of,
    optional_day,
    optional_whole,
    read_optional_amount,
    whole,
)
from substrack.web.forms import PageForm, required
from substrack.web.way_forms import WayForm

UNITS: Final = ((Unit.WEEK, Phrase("weekly")), (Unit.MONTH, Phrase("monthly")), (Unit.YEAR, Phrase("yearly")))
SPLITS: Final = (
    (SplitKind.EQUAL, Phrase("In equal parts")),
    (SplitKind.WEIGHTS, Phrase("By weight")),
    (SplitKind.FIXED, Phrase("Fixed amounts")),
)
"""How a price is split; a bill that differs each time has a field of its own, and goes by weight."""
PARTS: Final = (
    (PartPeriod.NEXT, Phrase("pays from the next period on")),
    (PartPeriod.DAYS, Phrase("pays by days")),
    (PartPeriod.FULL, Phrase("pays the whole period")),
)
TYPED_WAYS: Final = ""
"""The choice of typing how to pay, and not taking it over from an earlier group."""
MAX_WAYS: Final = 10

_BESIDE: Final = {"amount": "price", "payer_id": "payer", "tolerance_minor": "tolerance"}
"""Fields that services name otherwise than this form."""

SAME_NAME: Final = (
    "name",
    "description",
    "currency",
    "every",
    "billing_day",
    "starts_on",
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
    "ends_on",
)
"""Terms that this form types and shows as they are."""


class WaysOfAnother(Refused):
    """How an earlier group is paid leads to somebody else than this group's payer."""

    def __init__(self, earlier: EarlierWays, payer: str) -> None:
        super().__init__(
            "“%(group)s” is paid to %(other)s and not to %(payer)s. Say below how to pay %(payer)s.",
            group=earlier.group,
            other=earlier.payer,
            payer=payer,
        )


class PriceOrBill(Refused):
    """A price that is known, and a bill that differs each time, were both said."""

    field = "price"

    def __init__(self) -> None:
        super().__init__("Leave the price empty, or untick “The bill differs each time”.")


class NeitherPriceNorBill(Refused):
    """Nothing was said of what it costs."""

    field = "price"

    def __init__(self) -> None:
        super().__init__("Give the price, or tick “The bill differs each time”.")


class FixedOfUnknown(Refused):
    """Amounts of their own can add up only to a price that is known."""

    field = "split"

    def __init__(self) -> None:
        super().__init__(
            "Fixed amounts need a price. Choose equal parts or weights for a bill that differs each time."
        )


class GroupForm(PageForm):
    """The terms of a group as somebody types them."""

    name = StringField(
        "What you share", required("Give it a name, such as YouTube Premium.", maximum=MAX_NAME)
    )
    kind = line("What is it?", maximum=32)
    description = area("Description", maximum=10_000)
    price = line("Price", maximum=40)
    differs = BooleanField("The bill differs each time")
    currency = StringField("Currency", required("Choose a currency, such as EUR.", maximum=20))
    split = one_of("Split", SPLITS, default=SplitKind.EQUAL)
    every = whole("Every how many weeks, months or years", default=1)
    unit = one_of("Paid", UNITS, default=Unit.MONTH)
    starts_on = day("First period from")
    billing_day = optional_whole("Billing day")
    payer = SelectField("Who receives the money")
    payer_typed = line(TYPED_LABEL, maximum=320)
    payer_included = BooleanField("The payer shares the price", default=True)
    people = area("Who shares it with you", maximum=10_000)
    same_ways = line("How to pay", maximum=32, default=TYPED_WAYS)
    shares_mailbox = BooleanField("Yes, two people share a mailbox")
    wanted_again = BooleanField("Yes, they want to be written to again")
    is_same = BooleanField("It is the person you know; keep the address for them")
    is_another = BooleanField("It is somebody else of that name")
    collect_days_before = whole("Collect ahead (days)", default=0)
    due_days = whole("Due after the start (days)", default=0)
    grace_days = whole("First request after (days)", default=3)
    repeat_every_days = whole("Repeat every (days)", default=3)
    max_requests = whole("At most (requests)", default=8)
    overdue_after_days = whole("Overdue after (days)", default=14)
    hour = whole("At what hour (0–23)", default=10)
    time_zone = line("Time zone", maximum=64)
    tolerance = line("Forgive a rest of up to", maximum=40)
    part_period = one_of("Who joins or leaves midway", PARTS, default=PartPeriod.NEXT)
    heads_up_days = whole("Announce ahead (days, 0 = never)", default=0)
    tells_opened = BooleanField("Tell members when a period opens")
    ends_on = optional_day("Ends on")
    ways = FieldList(FormField(WayForm), min_entries=1, max_entries=MAX_WAYS)
    version = HiddenField()

    asks_sharing = False
    asks_again = False
    asks_namesake = False
    knows_others = False
    earlier_ways: EarlierWays | None = None
    _refused_way: WayForm | None = None
    chosen_payer: PersonChoice | None = None

    def refuse(self, refused: Refused) -> None:
        """Show a refusal beside the field of this form that it is about."""
        if isinstance(refused, FixedAmountMissing):
            refused.field = "split"
        if self._refused_way is not None:
            self._refused_way.refuse(refused)
            self.refusal = Phrase("One of the ways to pay can’t be kept; see beside it.")
            return
        refused.field = _BESIDE.get(refused.field or "", refused.field)
        super().refuse(refused)

    def terms(self) -> GroupTerms:
        """Read the terms; a payer who was typed is picked from then on.

        Raises:
            Refused: a value makes no sense; `refuse` shows which.
        """
        same = {name: self[name].data for name in SAME_NAME}
        currency = currency_code(self.currency.data or "")
        terms = GroupTerms(**same)
        payer = self._read_payer()
        price = self._read_price(currency)
        return check_terms(
            replace(
                terms,
                description=self.description.data or "",
                currency=currency,
                price=price,
                tolerance_minor=self._tolerance(currency),
                split=SplitKind.VARIABLE if self.differs.data else SplitKind(self.split.data),
                unit=Unit(self.unit.data),
                part_period=PartPeriod(self.part_period.data),
                kind=self.service_kind,
                payer_id=payer.id if payer else None,
                pay_methods=self.pay_methods(),
            )
        )

    def _read_payer(self) -> PersonChoice | None:
        payer = self.chosen_payer = chosen_person(self.payer.data, self.payer_typed.data, field="payer_typed")
        if payer is not None:
            self.payer.data, self.payer_typed.data = payer.public_id, ""
        return payer

    def _read_price(self, currency: str) -> Money | None:
        price = read_optional_amount(self.price.data, currency, field="price")
        if self.differs.data and price is not None:
            raise PriceOrBill
        if self.differs.data and self.split.data == SplitKind.FIXED:
            raise FixedOfUnknown
        if not self.differs.data and price is None:
            raise NeitherPriceNorBill
        return price

    def _tolerance(self, currency: str) -> int:
        typed = read_optional_amount(self.tolerance.data, currency, field="tolerance")
        return GroupTerms.tolerance_minor if typed is None else typed.minor

    @property
    def service_kind(self) -> ServiceKind:
        """Which tile was chosen; something else while none is."""
        return ServiceKind(self.kind.data) if self.kind.data in set(ServiceKind) else ServiceKind.OTHER

    @property
    def takes_earlier_ways(self) -> bool:
        """Tell whether it is paid as the group before."""
        earlier = self.earlier_ways
        return earlier is not None and self.same_ways.data == earlier.public_id

    def pay_methods(self) -> tuple[PayMethod, ...]:
        """Read how to pay, leaving out what is empty.

        Raises:
            Refused: a link, an IBAN or its holder is none; WaysOfAnother.
        """
        if self.earlier_ways is not None and self.takes_earlier_ways:
            return self._earlier_methods(self.earlier_ways)
        return tuple(self._method(entry.form) for entry in self.ways if not entry.form.is_empty)

    def offer_another_way(self) -> None:
        """Keep one empty place below the ways to pay that are filled in."""
        is_full = not any(entry.form.is_empty for entry in self.ways)
        if is_full and len(self.ways) < MAX_WAYS:
            self.ways.append_entry()

    def overlook_what_is_not_typed_yet(self) -> None:
        """Do without a name, which changes nothing of what is paid: somebody is still typing."""
        if not (self.name.data or "").strip():
            self.name.data = "…"
            self.name.raw_data = [self.name.data]

    @property
    def has_price(self) -> bool:
        """Tell whether it is known what is shared, or known that it differs every time."""
        return bool((self.price.data or "").strip()) or bool(self.differs.data)

    def all_errors(self) -> list[str]:
        """List all that stands in the way, for a place that is beside no field."""
        beside = [error for field in self for error in field.errors if isinstance(error, str)]
        ways = [error for entry in self.ways for field in entry.form for error in field.errors]
        return [*([self.refusal] if self.refusal else []), *beside, *ways]

    @property
    def opens_more(self) -> bool:
        """Tell whether one of the fields that are folded away was refused."""
        return any(self[name].errors for name in MORE)

    def _earlier_methods(self, earlier: EarlierWays) -> tuple[PayMethod, ...]:
        if self.chosen_payer is not None and self.chosen_payer.id != earlier.payer_id:
            self.same_ways.data = TYPED_WAYS
            raise WaysOfAnother(earlier, self.chosen_payer.name)
        return earlier.methods

    def _method(self, way: WayForm) -> PayMethod:
        self._refused_way = way
        method = way.method(self.chosen_payer.name if self.chosen_payer else "")
        self._refused_way = None
        return method


MORE: Final = (
    "currency",
    "split",
    "every",
    "billing_day",
    "payer",
    "payer_typed",
    "payer_included",
    "description",
    "collect_days_before",
    "due_days",
    "grace_days",
    "repeat_every_days",
    "max_requests",
    "overdue_after_days",
    "hour",
    "time_zone",
    "tolerance",
    "part_period",
    "heads_up_days",
    "ends_on",
)
"""The fields that are folded away, because their defaults fit most groups."""
