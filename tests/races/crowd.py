"""A crowd: many who do something at the same moment, in threads or in processes of their own."""

import multiprocessing
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.synchronize import Barrier as ProcessBarrier
from pathlib import Path
from threading import Barrier
from typing import Any, TypeVar

from substrack.domain.errors import Refused

Result = TypeVar("Result")

# A barrier that somebody never reaches must fail the test, not hang it.
WAIT_SECONDS = 60


def all_at_once(works: Sequence[Callable[[], Result]]) -> list[Result | Refused]:
    """Let everybody start at the same moment; a refusal is an answer, any other error fails the test."""
    start = Barrier(len(works), timeout=WAIT_SECONDS)

    def run(work: Callable[[], Result]) -> Result | Refused:
        start.wait()
        try:
            return work()
        except Refused as refusal:
            return refusal

    with ThreadPoolExecutor(len(works)) as pool:
        return list(pool.map(run, works))


def in_processes(
    count: int, work: Callable[..., Result], database_url: str, data_dir: Path, *args: Any
) -> list[Result]:
    """Run `work(runtime, *args)` at the same moment in processes that share nothing but the database."""
    context = multiprocessing.get_context("spawn")
    start = context.Barrier(count, timeout=WAIT_SECONDS)
    with context.Pool(count, initializer=_arrive, initargs=(start, database_url, data_dir)) as pool:
        pending = [pool.apply_async(_work, (work, args)) for _ in range(count)]
        return [result.get(WAIT_SECONDS) for result in pending]


_place: tuple[ProcessBarrier, str, Path]


def _arrive(start: ProcessBarrier, database_url: str, data_dir: Path) -> None:
    global _place
    _place = (start, database_url, data_dir)


def _work(work: Callable[..., Result], args: tuple[Any, ...]) -> Result:
    from substrack.bootstrap import make_runtime
    from substrack.settings import Settings

    start, database_url, data_dir = _place
    settings = Settings(database_url=database_url, data_dir=data_dir, base_url="http://127.0.0.1:8000")
    runtime = make_runtime(settings)
    try:
        start.wait()
        return work(runtime, *args)
    finally:
        runtime.close()
