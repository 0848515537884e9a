"""`understudy demo`: the whole loop on the practice world, with its figures."""

from typing import Annotated

import typer
from rich.console import Console

from studio.cli.output import JsonOption, note, open_studio_of, show


def command(
    context: typer.Context,
    quick: Annotated[bool, typer.Option("--quick", help="A smaller demo: every part, weaker students.")] = False,
    seed: Annotated[int, typer.Option(help="Seed of the problems, the training and the study.")] = 7,
    json_: JsonOption = False,
) -> None:
    """Collect from the practice teachers, train three students, export, compare, and prepare a blind study."""
    from studio.engine.demo.demo import run
    from studio.engine.demo.table import tables

    studio = open_studio_of(context)
    report = run(studio, seed=seed, quickly=quick, say=note)
    if json_:
        show(context, report, True)
        return
    console = Console()
    for table in tables(report):
        console.print(table)
    console.print(
        f"Done in {report['seconds']:.0f} s. Nobody has voted in the study '{report['study']['name']}' yet: "
        "run `understudy open` to look at everything and to rate."
    )
