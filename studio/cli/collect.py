"""`understudy collect`: asks a teacher every prompt of a source and keeps each answer as it arrives."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml

from studio.cli.following import following, stopped_by_interrupt
from studio.cli.forecast_text import forecast_text
from studio.cli.output import JsonOption, ProgressLine, open_studio_of, progress_line, show
from studio.engine.domain import yaml_text
from studio.engine.domain.states import JobState, StopReason
from studio.engine.errors import BadInput, Failed
from studio.engine.studio import Studio
from studio.engine.teachers.plans import BATCH, LIVE, RunOptions


def command(
    context: typer.Context,
    teacher: Annotated[str | None, typer.Option(help="Name of the teacher.")] = None,
    prompts: Annotated[str | None, typer.Option(help="Name of the prompt source.")] = None,
    system_message: Annotated[list[str] | None, typer.Option(help="From the library; several ask under each.")] = None,
    system_mix: Annotated[Path | None, typer.Option(help="YAML of weights; one is drawn per prompt.")] = None,
    store_system_message: Annotated[
        str | None, typer.Option(help="From the library: what datasets tell the student instead (prompt erasing).")
    ] = None,
    samples: Annotated[int | None, typer.Option(help="Answers to each prompt.")] = None,
    param: Annotated[list[str] | None, typer.Option(help="KEY=JSON, such as temperature=0.7.")] = None,
    budget: Annotated[float | None, typer.Option(help="US dollars to stop at.")] = None,
    seed: Annotated[int | None, typer.Option(help="For drawing from a mix.")] = None,
    name: Annotated[str | None, typer.Option(help="Name of the run.")] = None,
    batch: Annotated[bool, typer.Option("--batch", help="Through the Batch API: cheaper, within a day.")] = False,
    cancel_batches: Annotated[
        bool, typer.Option("--cancel-batches", help="With --resume: end its batches, keep what they answered.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what it would take; nothing is asked.")] = False,
    resume: Annotated[str | None, typer.Option(help="Go on with this run, its failed questions included.")] = None,
    json_: JsonOption = False,
) -> None:
    """Collect a teacher's answers, or go on with a run that was broken off."""
    new = {
        "--teacher": teacher, "--prompts": prompts, "--system-message": system_message, "--system-mix": system_mix,
        "--store-system-message": store_system_message, "--samples": samples, "--param": param,
        "--budget": budget, "--seed": seed, "--name": name, "--batch": batch or None,
    }  # fmt: skip
    given = [option for option, value in new.items() if value not in (None, [])]
    if cancel_batches and (not resume or given or dry_run):
        raise BadInput("Say whose batches to cancel, and nothing else: --resume RUN --cancel-batches.")
    if resume and set(given) - {"--budget"}:
        raise BadInput(f"A run is resumed as it was made; leave out {', '.join(given)}, or make a new run.")
    if not resume and not (teacher and prompts):
        raise BadInput("Say whom to ask what: --teacher NAME --prompts NAME, or --resume RUN to go on with a run.")
    parameters, studio = read_parameters(param or []), open_studio_of(context)
    mix = read_mix_file(studio.references.source(system_mix)) if system_mix else None
    options = RunOptions(
        system_message or None, mix, 1 if samples is None else samples, parameters, budget, seed or 0,
        store_system_message, BATCH if batch else LIVE,
    )  # fmt: skip
    if dry_run:
        collecting = studio.collecting
        forecast = collecting.forecast(resume) if resume else collecting.foresee(teacher or "", prompts or "", options)
        return show(context, {"run": resume, **forecast.as_dict()}, json_, text=forecast_text(forecast))
    if resume:
        run_name = _resumed(studio, resume, budget, reopen=not cancel_batches)
    else:
        studio.teachers.check_askable(teacher or "")
        run_name = studio.collecting.create(teacher or "", prompts or "", options, name=name).name
    report = _cancelled(studio, run_name) if cancel_batches else _collected(studio, run_name)
    if report["failed"]:
        raise Failed(studio.collecting.progress(run_name).unanswered, result=report)
    show(context, report, json_, text=_text(report) + _perhaps(studio, report) + _project_budget(studio, report))


def _perhaps(studio: Studio, report: dict[str, Any]) -> str:
    perhaps = studio.collecting.progress(report["run"]).perhaps_usd
    return f" ${perhaps:.4f} of it is perhaps spent: for questions that were sent and not heard of." if perhaps else ""


def _project_budget(studio: Studio, report: dict[str, Any]) -> str:
    """Which budget it was, where the project has one and the run has none of its own."""
    money = studio.spending.money()
    run = studio.collecting.get(report["run"])
    if (
        report["stopped_by"] != StopReason.BUDGET
        or money.budget_usd is None
        or run.settings.get("budget_usd") is not None
    ):
        return ""
    return (
        f" It is the project's budget of ${money.budget_usd:,.2f}, of which ${money.spent_usd:,.4f} is spent; raise it "
        "with `understudy projects budget AMOUNT`."
    )


def read_parameters(pairs: list[str]) -> dict[str, Any]:
    """`temperature=0.7` and the like as a dict. Raises BadInput for a value that is not JSON."""
    parameters: dict[str, Any] = {}
    for pair in pairs:
        key, separator, value = pair.partition("=")
        if not separator or not key.strip():
            raise BadInput(f"--param cannot read '{pair}'. Write KEY=JSON, such as temperature=0.7.")
        try:
            parameters[key.strip()] = json.loads(value)
        except (ValueError, RecursionError) as exc:
            raise BadInput(f"The value of --param {key} is not JSON: {value[:80]}. Put text in double quotes.") from exc
    return parameters


def read_mix_file(path: Path) -> dict[str, Any]:
    """The YAML of a system-message mix. Raises BadInput when it is none."""
    try:
        mix = yaml_text.load(path.read_text(encoding="utf-8"))
    except OSError as exc:
        raise BadInput(f"The file {path} cannot be read ({exc.strerror}).") from exc
    except (yaml.YAMLError, ValueError, RecursionError) as exc:
        raise BadInput(f"The file {path} is not YAML ({' '.join(str(exc).split())[:200]}).") from exc
    if not isinstance(mix, dict):
        raise BadInput(f"The file {path} holds no mix; write 'system_messages' with a weight for each name.")
    return mix


def _cancelled(studio: Studio, run_name: str) -> dict[str, Any]:
    line = progress_line()
    with stopped_by_interrupt(lambda: studio.endings.stop(run_name)):
        try:
            return studio.endings.cancel_batches_here(run_name, on_progress=line)
        finally:
            line.close()


def _resumed(studio: Studio, name: str, budget: float | None, *, reopen: bool = True) -> str:
    """Checked before anything of the run is changed, so that a refusal leaves it as it was."""
    run = studio.collecting.get(name)
    if reopen:
        studio.collecting.check_resumable(run.name)
    if budget is not None:
        studio.collecting.set_budget(run.name, budget)
    if run.failed and reopen:
        studio.collecting.retry_failed(run.name)
    return run.name


def _collected(studio: Studio, run_name: str) -> dict[str, Any]:
    """Collects with a line of progress; Ctrl-C stops in good order, a second one at once."""
    followed = following(lambda line: _said(studio, run_name, line))
    with followed, stopped_by_interrupt(lambda: studio.collecting.stop(run_name)):
        return studio.collecting.run_as_job(run_name)


def _said(studio: Studio, run_name: str, line: ProgressLine) -> None:
    job, run = studio.collecting.job_of(run_name), studio.collecting.get(run_name)
    if job is not None and job.state == JobState.RUNNING:
        failed = f"{run.failed:,} failed" if run.failed else ""
        spent = f"${run.cost_usd:,.4f}" if run.cost_usd else ""
        line(run.completed + run.failed, run.requested, ", ".join(filter(None, (failed, spent, job.message))))


def _text(report: dict[str, Any]) -> str:
    stopped = {
        StopReason.BUDGET: " Stopped: the budget allows no further question.", StopReason.USER: " Stopped as asked.",
        None: "",
    }[report["stopped_by"]]  # fmt: skip
    reused = f" ({report['reused']:,} from earlier answers)" if report["reused"] else ""
    rest = f" Go on with: understudy collect --resume '{report['run']}'" if report["stopped_by"] else ""
    return (
        f"Run '{report['run']}': {report['completed']:,} of {report['requested']:,} answered{reused} in "
        f"{report['seconds']:.1f} s, ${report['cost_usd']:.4f}.{stopped}{rest}"
    )
