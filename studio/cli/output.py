"""What every command shares: the studio it works on, and how its report reaches the terminal or a script."""

import json
import sys
import time
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape

from studio.cli.plain import plain
from studio.engine.settings import Settings
from studio.engine.store import USUAL
from studio.engine.studio import Studio, open_existing, open_studio

JsonOption = Annotated[bool, typer.Option("--json", help="Print exactly one JSON object on standard output.")]

PATIENCE = 2.0
"""Seconds that reading a file may take before progress is shown."""

errors = Console(stderr=True, highlight=False, soft_wrap=True)


def settings_of(context: typer.Context) -> Settings:
    """The settings with the options given before the command."""
    options = context.obj or {}
    given = {"workspace": options["workspace"]} if options.get("workspace") else {}
    return Settings(**given)


def open_studio_of(context: typer.Context) -> Studio:
    """The workspace and project that the options before the command name, for the person that they name."""
    return _for_person(context, open_studio(settings_of(context), _project(context)))


def open_existing_of(context: typer.Context, *, or_oldest: bool = False) -> Studio:
    """The same for commands about what is there: they make no project, which would take the name of a deleted one.
    `or_oldest` is for those that are about the whole workspace."""
    return _for_person(context, open_existing(settings_of(context), _project(context), or_oldest=or_oldest))


def _project(context: typer.Context) -> str:
    return (context.obj or {}).get("project") or USUAL


def _for_person(context: typer.Context, studio: Studio) -> Studio:
    options = context.obj or {}
    return studio.acting_for(studio.people.named_or_new(options["by"])) if options.get("by") else studio


def show(context: typer.Context, report: dict[str, Any], json_: bool, *, text: str | None = None) -> None:
    """Prints a report: with --json one object on standard output, else `text` or the report as `key: value` lines."""
    if json_:
        sys.stdout.write(json.dumps(report, ensure_ascii=False, default=str) + "\n")
        return
    out = Console(highlight=False, soft_wrap=True)
    if text is not None:
        out.print(escape(plain(text)))
        return
    for key, value in report.items():
        shown = json.dumps(value, ensure_ascii=False, default=str) if isinstance(value, dict | list) else value
        out.print(f"[bold]{escape(key)}[/bold]: {escape(plain(str(shown)))}")


def note(text: str) -> None:
    """A line for the person, on standard error."""
    errors.print(escape(plain(text)))


class ProgressLine:
    """One line on standard error that is rewritten on a terminal and printed now and then elsewhere."""

    def __init__(self, patience: float = 0) -> None:
        self.shown = ""
        self._from = time.monotonic() + patience

    def __call__(self, done: int, total: int | None, message: str) -> None:
        count = f"{done:,}/{total:,}" if total else (f"{done:,}" if done else "")
        line = plain(" ".join(part for part in (count, message) if part))
        if line == self.shown or time.monotonic() < self._from:
            return
        self.shown = line
        if sys.stderr.isatty():
            sys.stderr.write("\r\x1b[K" + line)
        else:
            sys.stderr.write(line + "\n")
        sys.stderr.flush()

    def close(self) -> None:
        if self.shown and sys.stderr.isatty():
            sys.stderr.write("\n")


def progress_line(*, patient: bool = False) -> ProgressLine:
    """A patient line shows nothing of what is over within `PATIENCE`: a refusal stays one line."""
    return ProgressLine(PATIENCE if patient else 0)
