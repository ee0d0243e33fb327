"""The root command: turns what a rule or a setting refuses into one sentence and exit status 1."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from importlib import import_module
from typing import Any

import click

from substrack.bootstrap import DatabaseTrouble
from substrack.domain.errors import Refused
from substrack.services.mailboxes import MailboxShared
from substrack.services.suppression import AddressErased
from substrack.settings import WrongSetting

_FLAGS = {
    "time_zone": "timezone",
    "from_on": "from",
    "iban": "pay_iban",
    "holder": "pay_holder",
    "text": "pay_text",
    "password": "password_stdin",
    "tolerance_minor": "tolerance",
}
"""Fields whose flag is called otherwise."""
_TYPED = f"{__name__}.typed"
"""Where a context keeps the words that were typed."""

_ANSWERS: dict[type[Refused], str] = {
    MailboxShared: " If so, add --shares-mailbox.",
    AddressErased: " If so, add --wanted-again.",
}


class Sentence(click.ClickException):
    """A refusal on its way to stderr; exit status 1."""

    exit_code = 1

    def show(self, file: Any = None) -> None:
        click.echo(self.format_message(), err=True)


class App(click.Group):
    """A group of commands whose refusals end in a sentence. Anything else is a bug and stays one.

    `found_in` says as `module:name` where a command is; it is imported when it is typed. A process that stays
    does without the others: 4 MB, and a tenth of a second at each start.
    """

    def __init__(self, *args: Any, found_in: Mapping[str, str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._found_in = found_in

    def list_commands(self, ctx: click.Context) -> list[str]:
        """List all, in order of their names."""
        return sorted(self._found_in)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the command of this name, if there is one."""
        if cmd_name not in self._found_in:
            return None
        module, _, name = self._found_in[cmd_name].partition(":")
        command = getattr(import_module(module), name)
        assert isinstance(command, click.Command)
        return command

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Refuse what no database could keep: NUL, and bytes that are no UTF-8 (surrogates; PEP 383)."""
        for number, one in enumerate(args, 1):
            if not _is_text(one):
                raise Sentence(f"Argument {number} holds a character that is no text; type it again.")
        ctx.meta[_TYPED] = tuple(args)
        return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except Refused as refused:
            raise Sentence(_sentence(refused, self._flags_of_command(ctx))) from None
        except WrongSetting as wrong:
            raise Sentence(str(wrong)) from None
        except DatabaseTrouble as error:
            cause = str(error.orig).strip().splitlines()[0]
            advice = f". {error.advice}" if error.advice else ""
            raise Sentence(f"The database can't be used right now: {cause}{advice}") from None

    def _flags_of_command(self, ctx: click.Context) -> set[str]:
        """Name the flags of the command that was typed; groups have no options that take a value."""
        command: click.Command = self
        for word in ctx.meta[_TYPED]:
            found = command.get_command(ctx, word) if isinstance(command, click.Group) else None
            if found is None:
                break
            command = found
        return {flag for each in command.params for flag in (*each.opts, *each.secondary_opts)}


def _is_text(typed: str) -> bool:
    return "\0" not in typed and not any("\ud800" <= char <= "\udfff" for char in typed)


def _sentence(refused: Refused, flags: Collection[str]) -> str:
    """Put the flag a refusal is about before it, and after a question the flag that answers it.

    What the command has no flag for is said alone, as where a page has a field for it.
    """
    answer = _ANSWERS.get(type(refused), "")
    field = refused.field or ""
    flag = f"--{_FLAGS.get(field, field).replace('_', '-')}"
    return _on_one_line(f"{flag}: {refused}{answer}" if flag in flags else f"{refused}{answer}")


def _on_one_line(text: str) -> str:
    """Leave no line breaks or control characters of what was typed in a sentence that quotes it."""
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())
