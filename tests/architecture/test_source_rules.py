"""Rules of the architecture that import contracts cannot state, read from the syntax trees of the sources."""

from pathlib import Path

import pytest

from tests.architecture.source_rules import LAYERS_BELOW_THE_EDGES, Source, violations

PACKAGE = Path(__file__).parents[2] / "substrack"


def planted(layer: str, code: str) -> list[str]:
    return [found.rule for found in violations(Source(layer=layer, name="planted.py", text=code))]


def test_the_sources_keep_the_rules() -> None:
    found = [violation for source in Source.all_of(PACKAGE) for violation in violations(source)]

    assert not found, "\n".join(map(str, found))


def test_every_layer_has_sources_to_look_at() -> None:
    looked_at = {source.layer for source in Source.all_of(PACKAGE)}

    assert looked_at >= LAYERS_BELOW_THE_EDGES


@pytest.mark.parametrize(
    "layer", ["web", "worker", "cli", "bot", "queries", "channels", "store", "texts", "domain"]
)
@pytest.mark.parametrize(
    "code",
    [
        "session.add(payment)",
        "session.add_all(payments)",
        "self.session.delete(payment)",
        "session.merge(payment)",
        "from sqlalchemy import insert\nsession.execute(insert(Payment).values(rows))",
        "import sqlalchemy as sa\nsession.execute(sa.update(Payment).where(Payment.id == 1))",
        "from sqlalchemy import delete\nstatement = delete(Payment)",
        "from sqlalchemy.dialects.postgresql import insert as upsert\nupsert(Payment)",
        "import sqlalchemy.dialects.sqlite as lite\nlite.insert(Payment)",
        "Payment.__table__.insert()",
        "session.bulk_insert_mappings(Payment, rows)",
        "session.execute(text('update payments set status = 1'))",
    ],
)
def test_only_services_write_rows(layer: str, code: str) -> None:
    assert planted(layer, code) == ["only services write rows"]
    assert planted("services", code) == []


@pytest.mark.parametrize("layer", sorted(LAYERS_BELOW_THE_EDGES))
@pytest.mark.parametrize(
    "code", ["session.commit()", "def f(s):\n    s.rollback()", "with session.begin():\n    pass"]
)
def test_nothing_below_the_edges_ends_a_transaction(layer: str, code: str) -> None:
    assert planted(layer, code) == ["only an edge ends a transaction"]
    assert planted("bootstrap", code) == []


def test_a_kind_of_connection_may_pass_an_end_on() -> None:
    assert planted("store", "def commit(self):\n    super().commit()") == []


@pytest.mark.parametrize("layer", sorted(LAYERS_BELOW_THE_EDGES))
@pytest.mark.parametrize(
    "code",
    [
        "from datetime import datetime, UTC\ndatetime.now(UTC)",
        "import datetime\ndatetime.datetime.now()",
        "import datetime as dt\ndt.datetime.utcnow()",
        "datetime.today()",
        "date.today()",
        "import time\ntime.time()",
        "time.time_ns()",
        "import time as t\nt.time()",
        "from time import time\ntime()",
        "from sqlalchemy import func\nfunc.now()",
        "import sqlalchemy as sa\nsa.func.current_timestamp()",
        "read = datetime.now",
    ],
)
def test_nothing_below_the_edges_reads_the_clock(layer: str, code: str) -> None:
    assert set(planted(layer, code)) == {"the time is passed in"}


def test_a_worker_may_measure_how_long_something_took() -> None:
    assert planted("worker", "import time\ntime.monotonic()") == []


def test_web_and_bot_stay_apart() -> None:
    assert planted("web", "from substrack.bot import updates") == ["web and bot stay apart"]
    assert planted("web", "from substrack import bot") == ["web and bot stay apart"]
    assert planted("bot", "import substrack.web.app") == ["web and bot stay apart"]


@pytest.mark.parametrize(
    "code",
    [
        "names.add(name)",
        "mail.add_attachment(part)",
        "def delete(request): ...\ndelete(request)",
        "settings.update(more)",
        "parts.insert(0, part)",
        "digest.update(chunk)",
        "text('select 1')",
        "from datetime import date\ndate(2026, 1, 31)",
    ],
)
def test_what_only_looks_like_a_write_is_left_alone(code: str) -> None:
    assert planted("queries", code) == []


def test_no_module_keeps_an_alias_that_threads_would_make_each_for_itself() -> None:
    code = "from sqlalchemy.orm import aliased\nPayer = aliased(Contact)"
    assert planted("queries", code) == ["an alias that threads share is made whole first"]
    assert planted("queries", code.replace("Payer =", "def f():\n    return")) == []
