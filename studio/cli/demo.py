"""`understudy demo`: the whole loop on the practice world, with its figures."""

import shlex
from typing import Annotated, Any

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
    from studio.engine.demo import report_tables, run_demo

    studio = open_studio_of(context)
    report = run_demo(studio, seed=seed, quickly=quick, say=note)
    if json_:
        show(context, report, True)
        return
    console = Console()
    for table in report_tables(report):
        console.print(table)
    console.print(
        f"Done in {report['seconds']:.0f} s. Nobody has voted in the study '{report['study']['name']}' yet: "
        f"run `{_opening(context.obj)}` to look at everything and to rate.",
        markup=False,
        highlight=False,
        soft_wrap=True,
    )


def _opening(given: dict[str, Any]) -> str:
    """The command that opens the workspace and project that this one was given."""
    words = ["understudy"]
    if given["workspace"] is not None:
        words += ["--workspace", str(given["workspace"])]
    if given["project"] != "default":
        words += ["--project", given["project"]]
    return shlex.join([*words, "open"])
