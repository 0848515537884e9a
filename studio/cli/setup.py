"""`understudy setup` does what pip cannot: fetches the GGUF converter. `understudy doctor` only looks."""

import typer
from rich.console import Console
from rich.markup import escape

from studio.cli.output import JsonOption, note, settings_of, show
from studio.engine import doctor as checks
from studio.engine.errors import MissingPart
from studio.engine.export import fetch_converter

MARKS = {True: "[green]ok[/green]  ", False: "[red]MISSING[/red]", None: "[yellow]note[/yellow]"}


def setup(context: typer.Context, json_: JsonOption = False) -> None:
    """Fetch the GGUF converter that fits the installed llama-cpp-python, then check everything."""
    settings = settings_of(context)
    note("Checking the GGUF converter of the installed llama-cpp-python, and fetching it if it is not here ...")
    fetch_converter(settings)
    doctor(context, json_)


def doctor(context: typer.Context, json_: JsonOption = False) -> None:
    """Check Python, compiler, libraries, GPU, converter, disk and port, and say how to mend what is missing."""
    found = []
    out = Console(highlight=False, soft_wrap=True)
    for check in checks.examine(settings_of(context)):
        found.append(check)
        if not json_:
            out.print(f"{MARKS[check.ok]} {escape(check.name)}: {escape(check.detail)}")
    report = checks.report(found)
    missing = [check.name for check in found if check.ok is False]
    if missing:
        raise MissingPart(f"Set-up is incomplete ({', '.join(missing)}); each line says how to mend it.", result=report)
    if json_:
        show(context, report, True)
