"""What a unit forbids, laid on one process as systemd would lay it.

No capability, no new privilege, few system calls, no memory that is both writable and executable. Run as a
script, it does so to itself and becomes the command.

Needs Linux, libseccomp and `systemd-analyze`, which knows the names that stand for many calls.
"""

from __future__ import annotations

import ctypes
import errno
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Final

SECCOMP: Final = "libseccomp.so.2"
ALLOW: Final = 0x7FFF0000
REFUSE: Final = 0x00050000 | errno.EPERM
PR_CAPBSET_DROP: Final = 24
PR_SET_NO_NEW_PRIVS: Final = 38
PR_SET_MDWE: Final = 65
"""Since Linux 6.3; systemd of before does the same by a filter."""


def is_there() -> bool:
    """Tell whether this machine has what it takes."""
    try:
        ctypes.CDLL(SECCOMP)
    except OSError:
        return False
    return shutil.which("systemd-analyze") is not None


def boxed(command: Sequence[str], filters: Sequence[str]) -> list[str]:
    """Write the command line that runs another under the filters of a unit."""
    return [sys.executable, str(Path(__file__)), ",".join(sorted(allowed_calls(tuple(filters)))), *command]


@cache
def allowed_calls(filters: tuple[str, ...]) -> frozenset[str]:
    """Work out which calls SystemCallFilter= leaves: its first line allows, one with ~ takes away."""
    allowed: set[str] = set()
    for line in filters:
        named = {call for word in line.removeprefix("~").split() for call in _calls_of(word)}
        allowed = allowed - named if line.startswith("~") else allowed | named
    return frozenset(allowed)


@cache
def _calls_of(word: str) -> frozenset[str]:
    if not word.startswith("@"):
        return frozenset({word})
    told = subprocess.run(
        ["systemd-analyze", "syscall-filter", word], capture_output=True, text=True, check=True
    )
    inner = [line.strip() for line in told.stdout.splitlines()[1:]]
    return frozenset(call for each in inner if each and each[0] != "#" for call in _calls_of(each))


def _shut(calls: Sequence[str]) -> None:
    libc, seccomp = ctypes.CDLL(None, use_errno=True), ctypes.CDLL(SECCOMP)
    for capability in range(64):
        libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)
    assert libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0
    if libc.prctl(PR_SET_MDWE, 1, 0, 0, 0) != 0:
        print("this Linux can't refuse memory that is writable and executable", file=sys.stderr)
    seccomp.seccomp_init.restype = ctypes.c_void_p
    rules = ctypes.c_void_p(seccomp.seccomp_init(REFUSE))
    for call in calls:
        number = seccomp.seccomp_syscall_resolve_name(call.encode())
        if number != -1:
            seccomp.seccomp_rule_add(rules, ALLOW, number, 0)
    assert seccomp.seccomp_load(rules) == 0


if __name__ == "__main__":
    _shut(sys.argv[1].split(","))
    os.execv(sys.argv[2], sys.argv[2:])
