"""Processes for experiments: forked from one that has read all the code, so that each starts at once.

None shares anything with the test but files, sockets and the database.
"""

from __future__ import annotations

import multiprocessing
from multiprocessing.context import ForkServerContext
from typing import Final

CODE: Final = ["tests.chaos.preloaded"]


def forking() -> ForkServerContext:
    """Give the way processes are made."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(CODE)
    return context
