"""`understudy train RECIPE.yaml [--name NAME]` and `understudy train --resume NAME`: a base becomes a student."""

from pathlib import Path
from typing import Annotated, Any

import typer

from studio.cli.output import JsonOption, note, open_studio_of, progress_line, show
from studio.engine.errors import BadInput
from studio.engine.studio import Studio

LEFT_OUT = ("too_long", "ambiguous", "unanswered")


def command(
    context: typer.Context,
    recipe: Annotated[
        Path | None, typer.Argument(help="A YAML file: base, seed and stages.", show_default=False)
    ] = None,
    name: Annotated[
        str | None, typer.Option(help="The student's name; left out, one is found.", show_default=False)
    ] = None,
    resume: Annotated[
        str | None, typer.Option(metavar="NAME", help="Go on with a stopped or killed training.", show_default=False)
    ] = None,
    json_: JsonOption = False,
) -> None:
    """Train a student on frozen datasets, stage after stage."""
    if (recipe is None) == (resume is None):
        raise BadInput("Name either a recipe file, or a student with --resume.")
    if resume is not None and name is not None:
        raise BadInput("A student that is resumed keeps its name. Leave --name out.")
    studio = open_studio_of(context)
    try:
        checked = studio.training.read_recipe(recipe) if recipe else None
        if checked is not None:
            report = _trained(studio, studio.training.create(checked, name).name, new=True)
        else:
            report = _trained(studio, str(resume), new=False)
        show(context, report, json_, text=_in_words(report))
    finally:
        studio.close()


def _trained(studio: Studio, name: str, *, new: bool) -> dict[str, Any]:
    line = progress_line()
    try:
        report = (studio.training.run if new else studio.training.resume)(name, progress=line)
    finally:
        line.close()
    if report.get("stopped"):
        note(f"Stopped; what was trained is saved. Go on with: understudy train --resume {name}")
    return report


def _in_words(report: dict[str, Any]) -> str:
    lines = [f"{report['model']} is in {report['path']}"]
    for stage in report["stages"]:
        tested = "" if stage["eval_loss"] is None else f", {stage['eval_loss']:.3f} on the test split"
        loss = "" if stage["train_loss"] is None else f", loss {stage['train_loss']:.3f}{tested}"
        speed = f" ({stage['tokens_per_second']:,.0f} a second)" if stage["tokens_per_second"] else ""
        left_out = sum(stage["rows"].get(reason, 0) for reason in LEFT_OUT)
        dropped = f"; {left_out:,} rows left out" if left_out else ""
        lines.append(
            f"  {stage['name']}: {stage['steps']:,} steps on {stage['dataset']}, {stage['tokens']:,} tokens in "
            f"{stage['seconds']:,.0f} s{speed}{loss}{dropped}"
        )
    return "\n".join(lines)
