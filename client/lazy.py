"""Commands that are imported when they are used, so that ``avemotion --help`` answers at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any, ClassVar

import typer
from typer.core import TyperCommand, TyperGroup

from shared.errors import AvemotionError


@dataclass(frozen=True)
class Entry:
    """One row of the table of commands.

    Attributes:
        target: ``module:attribute`` of a function or of a ``typer.Typer`` with commands of its own.
        help: The line that ``avemotion --help`` shows.
    """

    target: str
    help: str


class LazyCommand(TyperCommand):
    """Stands for a command in the list and becomes the real one when it is called."""

    def __init__(self, name: str, entry: Entry) -> None:
        """Keep the name and where the command is; nothing is imported."""
        super().__init__(name, help=entry.help)
        self._target = entry.target

    def make_context(self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any) -> Any:
        """Import the command and let it read its arguments."""
        module, _, attribute = self._target.partition(":")
        command = getattr(import_module(module), attribute)
        if not isinstance(command, typer.Typer):
            app = typer.Typer(add_completion=False, rich_markup_mode="markdown")
            app.command(self.name)(command)
            command = app
        return typer.main.get_command(command).make_context(info_name, args, parent, **extra)


class LazyGroup(TyperGroup):
    """A group whose commands are a table; it also turns expected errors into a sentence each."""

    table: ClassVar[Mapping[str, Entry]] = {}

    def __init__(self, **attributes: Any) -> None:
        """Fill the group from the table."""
        super().__init__(**attributes)
        for name, entry in self.table.items():
            self.add_command(LazyCommand(name, entry))

    def invoke(self, ctx: Any) -> Any:
        """Run the command; what its user can mend ends in a sentence and exit code 1, not a traceback."""
        try:
            return super().invoke(ctx)
        except AvemotionError as error:
            from client.render.text import printable  # noqa: PLC0415 - not needed for --help

            # The end of a log may be part of the message, hence its line feeds.
            typer.echo(f"{error.code.code}: " + printable(error.message, keep="\n"), err=True)
            raise typer.Exit(1) from error
