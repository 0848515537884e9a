"""`understudy studies`: blind preference tests between a model, a teacher or answers from a file."""

from pathlib import Path
from typing import Annotated, Any

import typer

from studio.cli.output import JsonOption, open_studio_of, progress_line, show

app = typer.Typer(no_args_is_help=True)

ANSWERS = "A model, a teacher, or a JSONL file of prompt and response."


@app.command()
def create(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="What to call the study. Raters never see it.")],
    first: Annotated[str, typer.Option(help=ANSWERS)],
    second: Annotated[str, typer.Option(help=ANSWERS)],
    prompts: Annotated[str, typer.Option(help="The prompt source to draw from.")],
    system_message: Annotated[str | None, typer.Option(help="A system message of the library, sent to both.")] = None,
    items: Annotated[int, typer.Option(help="How many pairs to freeze.")] = 50,
    seed: Annotated[int, typer.Option(help="Draws the prompts and the side of each answer.")] = 0,
    json_: JsonOption = False,
) -> None:
    """Ask both sides, freeze the answers, and get a link for raters."""
    studio, line = open_studio_of(context), progress_line()
    try:
        report = studio.studies.create(
            name, first, second, prompts, system_message=system_message, items=items, seed=seed, progress=line
        )
    finally:
        line.close()
    leaks = report["leaks"]
    text = (
        f"{report['items']} pairs are frozen; {leaks['redacted']} had names masked, {leaks['excluded']} were left out "
        f"as identical or empty.\nRaters' link while the app is open: {report['link']}"
    )
    show(context, report, json_, text=text)


@app.command("import-votes")
def import_votes(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="CSV or JSONL of item, rater, left, right, vote.")],
    name: Annotated[str, typer.Option(help="What to call the study.")],
    json_: JsonOption = False,
) -> None:
    """Make a study from votes that were given elsewhere."""
    report = open_studio_of(context).studies.import_votes(file, name)
    text = (
        f"{report['votes']} votes of {report['raters']} raters on {report['items']} items are in '{report['study']}'; "
        f"{report['skipped']} rows were left out."
    )
    show(context, report, json_, text=text)


@app.command()
def results(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="The study.")],
    first: Annotated[str | None, typer.Option(help="The arm to look from; the study's first one otherwise.")] = None,
    json_: JsonOption = False,
) -> None:
    """Win rate with its interval, counts, position bias, agreement and Bradley-Terry scores."""
    report = open_studio_of(context).studies.results(name, first)
    show(context, report, json_, text=_in_words(report))


def _in_words(report: dict[str, Any]) -> str:
    """The report for a person at a terminal."""
    if report["win_rate"] is None:
        verdict = "more than two arms, or no votes yet: no win rate"
    else:
        verdict = f"{report['win_rate']:.3f} (95 % interval {report['low']:.3f} to {report['high']:.3f})"
        verdict += ", no clear difference" if report["low"] <= 0.5 <= report["high"] else ""
    position, agreement = report["position"], report["agreement"]
    lines = [
        f"Win rate of {report['first']}: {verdict}",
        f"Votes: {report['wins']} won, {report['ties']} tied, {report['losses']} lost, {report['both_bad']} both bad",
        f"Sides chosen: left {position['left']}, right {position['right']} (p = {_figure(position['p_value'])})",
        f"Agreement: {_figure(agreement['raw'])} of {agreement['pairs']} pairs of votes, "
        f"alpha {_figure(agreement['krippendorff_alpha'])}, AC1 {_figure(agreement['gwet_ac1'])}",
    ]
    if report["length_controlled_win_rate"] is not None:
        lines.append(f"Win rate at equal length: {_figure(report['length_controlled_win_rate'])}")
    lines += [
        f"{one['score']:.4f} ({one['low']:.4f} to {one['high']:.4f})  {one['name']}" for one in report["bradley_terry"]
    ]
    return "\n".join(lines)


def _figure(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.3f}"
