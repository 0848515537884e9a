"""`understudy studies`: blind preference tests between a model, a teacher or answers from a file."""

from pathlib import Path
from typing import Annotated, Any

import typer

from studio.cli.collect import read_parameters
from studio.cli.following import following, how_far, stopped_by_interrupt
from studio.cli.output import JsonOption, open_studio_of, show
from studio.engine.evaluation import reach_of

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
    seed: Annotated[int, typer.Option(help="Draws the prompts.")] = 0,
    param: Annotated[
        list[str] | None, typer.Option(help="KEY=JSON for both sides, or SIDE:KEY=JSON for one, by name or place.")
    ] = None,
    json_: JsonOption = False,
) -> None:
    """Ask both sides, freeze the answers, and get a link for raters."""
    parameters = read_sides(param or [])
    studies = open_studio_of(context).studies
    study = studies.define(
        name, first, second, prompts, system_message=system_message, items=items, seed=seed, parameters=parameters
    )
    followed = following(lambda line: how_far(studies.job_of(study.name), line))
    with followed, stopped_by_interrupt(lambda: studies.stop(study.name)):
        report = studies.run_as_job(study.name)
    leaks, reach = report["leaks"], reach_of(report["link"])
    report = report | {"reach": reach.value}
    text = (
        f"{report['items']} pairs are frozen; {leaks['redacted']} had names masked, {leaks['excluded']} were left out "
        f"as identical or empty.\nRaters' link while the app is open: {report['link']}\n{reach.words}"
    )
    if cut := report.get("cut_off"):
        text += f"\nCut off by a limit on their length: {', '.join(f'{n} of {name}' for name, n in cut.items())}."
    show(context, report, json_, text=text)


def read_sides(pairs: list[str]) -> dict[str, dict[str, Any]]:
    """`temperature=0` and `second:max_tokens=900` as parameters by side, those of both under ""."""
    sides: dict[str, dict[str, Any]] = {}
    for pair in pairs:
        named, equals, value = pair.partition("=")
        side, _, key = named.rpartition(":")
        sides.setdefault(side.strip(), {}).update(read_parameters([f"{key}{equals}{value}"]))
    return sides


@app.command()
def invite(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="The study.")],
    count: Annotated[int, typer.Option(help="How many people.")] = 1,
    anyone: Annotated[
        bool, typer.Option("--anyone", help="Let anyone with the raters' link in again; unused invitations end.")
    ] = False,
    json_: JsonOption = False,
) -> None:
    """Make links that let one person each become a rater, once; the study then takes nobody without one."""
    studies = open_studio_of(context).studies
    if anyone:
        studies.open_to_anyone(name)
    links = [] if anyone else list(studies.invite(name, count))
    reach = reach_of(studies.link(studies.get(name)))
    text = "\n".join([*links, f"Each is good for one person. {reach.words}"]) if links else ""
    text = text or f"Anyone with the raters' link may rate '{name}' again. {reach.words}"
    report = {"study": name, "by_invitation": not anyone, "links": links, "reach": reach.value}
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
    method = f"interval: {report['interval']['method']}"
    judged = f"{report['interval']['clusters']} of {report['items']} pairs; raters: {report['raters']}"
    lines = [
        f"Win rate of {report['first']}: {verdict}",
        f"Votes: {report['wins']} won, {report['ties']} tied, {report['losses']} lost, {report['both_bad']} both bad "
        f"({judged}; {method})",
        f"Sides chosen: left {position['left']}, right {position['right']} (p = {_figure(position['p_value'])})",
        f"Agreement: {_figure(agreement['raw'])} of {agreement['pairs']} pairs of votes, "
        f"alpha {_figure(agreement['krippendorff_alpha'])}, AC1 {_figure(agreement['gwet_ac1'])}",
    ]
    if report["length_controlled_win_rate"] is not None:
        low, high = report["length_controlled"]["low"], report["length_controlled"]["high"]
        rate = _figure(report["length_controlled_win_rate"])
        lines.append(f"Win rate at equal length: {rate} ({_figure(low)} to {_figure(high)})")
    lines += [
        f"{one['score']:.4f} ({one['low']:.4f} to {one['high']:.4f})  {one['name']}" for one in report["bradley_terry"]
    ]
    return "\n".join(lines)


def _figure(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.3f}"
