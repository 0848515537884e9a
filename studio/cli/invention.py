"""`understudy prompts invent` and `prompts diversity`: new prompts by a teacher, and how varied a source is."""

from pathlib import Path
from typing import Annotated, Any

import typer

from studio.cli.collect import read_parameters
from studio.cli.following import following, stopped_by_interrupt
from studio.cli.output import JsonOption, ProgressLine, note, open_studio_of, show
from studio.engine.domain.states import JobState, StopReason
from studio.engine.errors import BadInput, NotFound
from studio.engine.prompts import AMONG, ASKED, Diversity, Spread, parse_map
from studio.engine.prompts.invention import METHODS
from studio.engine.studio import Studio

NEW = ("--method", "--seeds", "--teacher", "--count", "--name")


def register(app: typer.Typer) -> None:
    app.command("invent")(invent)
    app.command("diversity")(diversity)


def invent(
    context: typer.Context,
    method: Annotated[str | None, typer.Option(help=f"One of {', '.join(METHODS)}.")] = None,
    seeds: Annotated[Path | None, typer.Option(metavar="FILE", help="Tasks or prompts to begin with.")] = None,
    teacher: Annotated[str | None, typer.Option(help="Name of the teacher that invents.")] = None,
    count: Annotated[int | None, typer.Option(help="How many prompts to keep.")] = None,
    name: Annotated[str | None, typer.Option(help="Name of the new prompt source.")] = None,
    seed: Annotated[int, typer.Option(help="For drawing the examples that are shown.")] = 0,
    budget: Annotated[float | None, typer.Option(help="US dollars to stop at.")] = None,
    param: Annotated[list[str] | None, typer.Option(help="KEY=JSON in place of the method's own; null omits.")] = None,
    similarity: Annotated[float | None, typer.Option(help="Drop what has this ROUGE-L with a kept one.")] = None,
    generations: Annotated[int, typer.Option(help="How often each seed is evolved, for evol.")] = 4,
    use_seeds: Annotated[int | None, typer.Option(min=1, help="Draw this many seeds of the file.")] = None,
    format: Annotated[str, typer.Option(help="Format of the seeds' file.")] = "auto",
    map: Annotated[str, typer.Option(metavar="FIELD=COLUMN,...", help="Columns of the seeds' file.")] = "",
    resume: Annotated[str | None, typer.Option(help="Go on with this invention.")] = None,
    json: JsonOption = False,
) -> None:
    """Let a teacher invent prompts from a few seeds. The same command again goes on where it was broken off."""
    given = dict(zip(NEW, (method, seeds, teacher, count, name), strict=True))
    if resume and any(value is not None for value in given.values()):
        named = ", ".join(option for option, value in given.items() if value is not None)
        raise BadInput(f"An invention is gone on with as it was made; leave out {named}, or make a new one.")
    missing = [option for option, value in given.items() if value is None or value == ""]
    if not resume and missing:
        raise BadInput(f"Say what to invent: {', '.join(missing)} is missing. Or go on with one by --resume NAME.")
    parameters = read_parameters(param or [])
    studio = open_studio_of(context)
    if resume:
        _check_askable(studio, resume, studio.inventions.progress(resume).plan.teacher)
        if budget is not None:
            studio.inventions.set_budget(resume, budget)
        name = studio.inventions.progress(resume).name
    else:
        assert method and seeds is not None and teacher and count is not None and name
        _check_askable(studio, name, teacher)
        made = studio.inventions.create(
            name, method, seeds, teacher, count, seed=seed, generations=generations, similarity=similarity,
            use_seeds=use_seeds, parameters=parameters, budget_usd=budget, format=format, mapping=parse_map(map),
        )  # fmt: skip
        name = made.name
        _explain_seeds(made.seeds)
    report = _invented(studio, name or "")
    show(context, report, json, text=_text(report))


def diversity(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="The prompt source.")],
    asked: Annotated[int, typer.Option(min=1, help="Prompts whose nearest other prompt is looked for.")] = ASKED,
    among: Annotated[int, typer.Option(min=2, help="Prompts that it is looked for among.")] = AMONG,
    seed: Annotated[int, typer.Option(help="The same seed draws the same sample.")] = 0,
    json: JsonOption = False,
) -> None:
    """Show how varied the prompts of a source are: nearest neighbours, tasks, verbs and lengths."""
    studio = open_studio_of(context)
    found = studio.prompt_jobs.measure_here(name, asked=asked, among=among, seed=seed)
    show(context, found.as_dict(), json, text=_shown_diversity(found))


def _shown_diversity(found: Diversity) -> str:
    nearest = "no other prompt" if found.nearest_bleu is None else f"{found.nearest_bleu:.1%}"
    published = (
        f"published: {found.published['broad']:.0%} for a broad set, "
        f"{found.published['super_natural_instructions']:.0%} for Super-NaturalInstructions"
    )
    verbs = ", ".join(f"{label} {count:,}" for label, count in found.verb_nouns.top[:8]) or "none found"
    return "\n".join(
        (
            f"{found.prompts:,} prompts in '{found.source}', {found.looked_at:,} looked at",
            f"BLEU with the nearest other prompt: {nearest} (mean of {found.asked:,}; {published})",
            f"Tasks: {_spread_words(found.tasks)}",
            f"Verbs: {_spread_words(found.verbs)}",
            f"Verb and object: {_spread_words(found.verb_nouns)}: {verbs}",
            f"Length: {found.median_words:,.0f} words in the middle",
        )
    )


def _spread_words(spread: Spread) -> str:
    return f"{spread.distinct:,} different, as varied as {spread.effective:,.1f} of one size, in {spread.covered:.0%}"


def _check_askable(studio: Studio, name: str, teacher: str) -> None:
    """Before anything is written; an invention that has all of its prompts asks nothing."""
    try:
        has_more = not studio.inventions.progress(name).is_done
    except NotFound:
        has_more = True
    if has_more:
        studio.teachers.check_askable(teacher)


def _invented(studio: Studio, name: str) -> dict[str, Any]:
    followed = following(lambda line: _said(studio, name, line))
    with followed, stopped_by_interrupt(lambda: studio.inventions.stop(name)):
        return studio.inventions.run_as_job(name)


def _said(studio: Studio, name: str, line: ProgressLine) -> None:
    job = studio.inventions.job_of(name)
    if job is not None and job.state == JobState.RUNNING:
        line(job.done, job.total, f"prompts kept, {job.message}" if job.message else "prompts kept")


def _explain_seeds(seeds: dict[str, Any]) -> None:
    for reason, count in seeds["left_out"].items():
        note(f"{count:,} seeds left out: {reason}")
    if seeds["count"] < seeds["in_file"]:
        note(f"{seeds['count']:,} of {seeds['in_file']:,} seeds are used; --use-seeds takes more.")


STOPPED = {
    None: "",
    StopReason.USER: "Stopped as asked.",
    StopReason.BUDGET: "Stopped: the budget allows no further question.",
    StopReason.NOTHING_NEW: "Stopped: three rounds in a row brought nothing new. More or other seeds would help.",
    StopReason.GENERATIONS: "Every seed was evolved as often as it was to be.",
}
CAN_GO_ON = (StopReason.USER, StopReason.BUDGET)


def _text(report: dict[str, Any]) -> str:
    stopped = report["stopped_by"]
    dropped = ", ".join(f"{rule.replace('_', ' ')} {count:,}" for rule, count in report["dropped"].items())
    lines = [
        f"Source '{report['source']}': {report['kept']:,} of {report['count']:,} prompts kept, {report['requests']:,} "
        f"requests, ${report['cost_usd']:.4f}.",
        f"Dropped: {dropped or 'none'}.",
        STOPPED[stopped],
        f"Go on with: understudy prompts invent --resume '{report['source']}'" if stopped in CAN_GO_ON else "",
    ]
    return "\n".join(filter(None, lines))
