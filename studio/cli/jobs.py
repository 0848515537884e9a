"""`understudy jobs` and `understudy worker`: what runs in the background, and the process that runs it."""

import logging
import signal
import sys
import time
from enum import StrEnum
from typing import Annotated, Any

import typer

from studio.cli.output import JsonOption, note, open_studio_of, show
from studio.engine.domain.states import JobState
from studio.engine.errors import BadInput
from studio.engine.jobs import Jobs, Retry
from studio.engine.store.tables import Job

app = typer.Typer(no_args_is_help=True)

JobId = Annotated[int, typer.Argument(help="Number of the job, from `understudy jobs list`.", metavar="ID")]
FOLLOW_PAUSE = 1.0
AGAIN = {
    Retry.GOES_ON: "It goes on from what is kept of it.",
    Retry.BEGINS_ANEW: "It begins anew; nothing is kept of what it had written.",
    Retry.REPEATS: "It begins anew; what it had finished stays.",
}
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
    """Ask a job to end early."""
    job = open_studio_of(context).jobs.stop(job_id)
    asked = job.state == JobState.RUNNING
    words = "has been asked to stop; it puts its work in order first." if asked else f"is {job.state}."
    show(context, {"job": _row(job)}, json_, text=f"Job {job_id} {words}")


@app.command()
def retry(context: typer.Context, job_id: JobId, json_: JsonOption = False) -> None:
    """Queue a failed or stopped job again. It goes on from what is kept of it, or begins anew, by its kind."""
    jobs = open_studio_of(context).jobs
    job = jobs.retry(job_id)
    again = jobs.retry_of(job)
    words = f" {AGAIN[again]}" if again else ""
    text = f"Job {job_id} is queued.{words} It runs in the app, or in `understudy worker`."
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
    from studio.engine.jobs import Worker
    from studio.engine.studio import RUNNER

    studio = open_studio_of(context)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", stream=sys.stderr)
    working = Worker(studio.settings, studio.executor, whole=RUNNER.whole)
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
    """One line: number, state, what, how far, and what it says of itself while it goes on or why it broke off."""
    abandoned = job.state == JobState.RUNNING and jobs.is_waiting(job)
    state = "interrupted" if abandoned else job.state
    said = {JobState.FAILED: job.error, JobState.DONE: None}.get(JobState(job.state), job.message)
    if job.state == JobState.QUEUED and (wait := jobs.waits_of([job]).get(job.id or 0)) is not None:
        said = job.message or str(wait.said)
    far = f"{job.done:,}/{job.total:,}" if job.total else ""
    return "  ".join(filter(None, (f"{job.id:>5}", f"{state:<11}", job.title, " ".join(filter(None, (far, said))))))
