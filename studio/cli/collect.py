"""`understudy collect`: asks a teacher every prompt of a source and keeps each answer as it arrives."""

import json
import threading
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml

from studio.cli.following import following, stopped_by_interrupt
from studio.cli.forecast_text import forecast_text
from studio.cli.output import JsonOption, ProgressLine, open_studio_of, progress_line, show
from studio.engine.errors import BadInput, Failed
from studio.engine.studio import Studio


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
    parameters, mix = read_parameters(param or []), read_mix_file(system_mix) if system_mix else None
    studio = open_studio_of(context)
    send = "batch" if batch else "live"
    if dry_run:
        forecast = studio.collecting.forecast(resume) if resume else studio.collecting.foresee(
            teacher or "", prompts or "", system_message=system_message or None, system_mix=mix,
            samples=1 if samples is None else samples, parameters=parameters, seed=seed or 0, send=send,
        )  # fmt: skip
        return show(context, {"run": resume, **forecast.as_dict()}, json_, text=forecast_text(forecast))
    if resume:
        run_name = _resumed(studio, resume, budget, reopen=not cancel_batches)
    else:
        run_name = studio.collecting.create(
            teacher or "", prompts or "", system_message=system_message or None, system_mix=mix,
            samples=1 if samples is None else samples, parameters=parameters, budget_usd=budget,
            name=name, seed=seed or 0, store_system_message=store_system_message, send=send,
        ).name  # fmt: skip
    report = _cancelled(studio, run_name) if cancel_batches else _collected(studio, run_name)
    if report["failed"]:
        raise Failed(_failures(studio, report), result=report)
    show(context, report, json_, text=_text(report))


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
        mix = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as exc:
        raise BadInput(f"The file {path} cannot be read ({exc.strerror}).") from exc
    except (yaml.YAMLError, ValueError, RecursionError) as exc:
        raise BadInput(f"The file {path} is not YAML ({' '.join(str(exc).split())[:200]}).") from exc
    if not isinstance(mix, dict):
        raise BadInput(f"The file {path} holds no mix; write 'system_messages' with a weight for each name.")
    return mix


def _cancelled(studio: Studio, run_name: str) -> dict[str, Any]:
    line, ended = progress_line(), threading.Event()
    with stopped_by_interrupt(ended.set):
        try:
            return studio.collecting.cancel_batches(run_name, progress=line, should_stop=ended.is_set)
        finally:
            line.close()


def _resumed(studio: Studio, name: str, budget: float | None, *, reopen: bool = True) -> str:
    run = studio.collecting.get(name)
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
    if job is not None and job.state == "running":
        failed = f"{run.failed:,} failed" if run.failed else ""
        spent = f"${run.cost_usd:,.4f}" if run.cost_usd else ""
        line(run.completed + run.failed, run.requested, ", ".join(filter(None, (failed, spent, job.message))))


def _failures(studio: Studio, report: dict[str, Any]) -> str:
    errors = studio.collecting.progress(report["run"]).errors
    why = f" {errors[0].example} {errors[0].advice}" if errors else ""
    return (
        f"{report['failed']:,} of {report['requested']:,} questions got no answer; {report['completed']:,} answers are "
        f"kept.{why} Ask again with: understudy collect --resume '{report['run']}'"
    )


def _text(report: dict[str, Any]) -> str:
    stopped = {
        "budget": " Stopped: the budget allows no further question.", "user": " Stopped as asked.", None: "",
    }[report["stopped_by"]]  # fmt: skip
    reused = f" ({report['reused']:,} from earlier answers)" if report["reused"] else ""
    rest = f" Go on with: understudy collect --resume '{report['run']}'" if report["stopped_by"] else ""
    return (
        f"Run '{report['run']}': {report['completed']:,} of {report['requested']:,} answered{reused} in "
        f"{report['seconds']:.1f} s, ${report['cost_usd']:.4f}.{stopped}{rest}"
    )
