"""`understudy jobs` and `understudy worker`: what runs in the background, and the process that runs it."""

import logging
import signal
import sys
import time
from enum import StrEnum
from typing import Annotated, Any

import typer

from studio.cli.output import JsonOption, note, open_studio_of, show
from studio.engine.errors import BadInput
from studio.engine.jobs import Jobs
from studio.engine.store.tables import Job, JobState

app = typer.Typer(no_args_is_help=True)

JobId = Annotated[int, typer.Argument(help="Number of the job, from `understudy jobs list`.", metavar="ID")]
FOLLOW_PAUSE = 1.0
SHOWN = ("id", "kind", "title", "state", "done", "total", "message", "error", "created_at", "started_at", "ended_at")


class ExecutorName(StrEnum):
    local = "local"
    ray = "ray"


@app.command("list")
def list_jobs(
    context: typer.Context,
    state: Annotated[JobState | None, typer.Option(help="Only jobs in this state.")] = None,
    limit: Annotated[int, typer.Option(help="At most this many, the newest first.", min=1)] = 20,
    all_projects: Annotated[bool, typer.Option("--all-projects", help="Of every project.")] = False,
    json_: JsonOption = False,
) -> None:
    """Show what runs, what waits and how the rest ended."""
    studio = open_studio_of(context)
    jobs = studio.jobs.list(state, limit, all_projects)
    lines = [_line(job, studio.jobs) for job in jobs]
    show(context, {"jobs": [_row(job) for job in jobs]}, json_, text="\n".join(lines) or "There are no jobs.")


@app.command()
def stop(context: typer.Context, job_id: JobId, json_: JsonOption = False) -> None:
    """Ask a job to end early. What it has so far is kept."""
    job = open_studio_of(context).jobs.stop(job_id)
    asked = job.state == JobState.RUNNING
    words = "has been asked to stop; it saves what it has first." if asked else f"is {job.state}."
    show(context, {"job": _row(job)}, json_, text=f"Job {job_id} {words}")


@app.command()
def retry(context: typer.Context, job_id: JobId, json_: JsonOption = False) -> None:
    """Queue a failed or stopped job again; it goes on from what it saved."""
    job = open_studio_of(context).jobs.retry(job_id)
    text = f"Job {job_id} is queued. It runs in the app, or in `understudy worker`."
    show(context, {"job": _row(job)}, json_, text=text)


@app.command()
def logs(
    context: typer.Context,
    job_id: JobId,
    tail: Annotated[int, typer.Option(help="Only the last lines.", min=1)] = 200,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on until the job ends.")] = False,
    json_: JsonOption = False,
) -> None:
    """Print the log of a job."""
    jobs = open_studio_of(context).jobs
    if follow and not json_:
        _follow(jobs, job_id, tail)
        return
    log = jobs.log(job_id, tail)
    show(context, {"job": job_id, "path": str(jobs.log_path(job_id)), "log": log}, json_, text=log or "It is empty.")


def worker(
    context: typer.Context,
    executor: Annotated[ExecutorName, typer.Option(help="Where jobs run.")] = ExecutorName.local,
) -> None:
    """Run queued jobs of every project until Ctrl-C; unfinished ones go back to the queue."""
    if executor == ExecutorName.ray:
        raise BadInput(
            "Running jobs on a Ray cluster is not part of this version: start `understudy worker --executor local` "
            "on each machine that shares the database instead."
        )
    from studio.engine.jobs.worker import Worker

    studio = open_studio_of(context)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", stream=sys.stderr)
    working = Worker(studio.settings)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: working.stop())
    note("Waiting for jobs. Ctrl-C ends this worker; what it has not finished goes back to the queue.")
    working.run()


def _follow(jobs: Jobs, job_id: int, tail: int) -> None:
    path = jobs.log_path(job_id)
    print(jobs.log(job_id, tail), flush=True)
    position = path.stat().st_size if path.exists() else 0
    ended = False
    while not ended:
        ended = jobs.get(job_id).state not in (JobState.QUEUED, JobState.RUNNING)
        if path.exists():
            with path.open(errors="replace") as file:
                file.seek(position)
                sys.stdout.write(file.read())
                sys.stdout.flush()
                position = file.tell()
        time.sleep(0 if ended else FOLLOW_PAUSE)


def _row(job: Job) -> dict[str, Any]:
    return {name: getattr(job, name) for name in SHOWN}


def _line(job: Job, jobs: Jobs) -> str:
    """One line: number, state, how far, what, and the cause first when it failed."""
    abandoned = job.state == JobState.RUNNING and jobs.is_waiting(job)
    state = "interrupted" if abandoned else job.state
    far = f"{job.done:,}/{job.total:,}" if job.total else ""
    return f"{job.id:>5}  {state:<11}  {far:>13}  {job.title}  {job.error or job.message}".rstrip()
