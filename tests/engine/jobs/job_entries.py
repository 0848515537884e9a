"""Entry functions for the tests of the queue, and the program that runs a job with them in a child process."""

import errno
import os
import signal
import time
from pathlib import Path
from typing import Any

from studio.engine.domain.permissions import Access
from studio.engine.engines import leave
from studio.engine.errors import Failed, Stopped
from studio.engine.jobs import JobContext, Jobs, Kind, LocalExecutor, Runner, child
from studio.engine.store.database import Database
from studio.engine.store.people import People
from studio.engine.store.projects import Projects
from studio.engine.studio import RUNNER as OURS


def count(context: JobContext, payload: dict[str, Any]) -> dict[str, Any]:
    """Counts to `to`; with a `file` it goes on from the number there, as a trainer does from a checkpoint."""
    file = Path(payload["file"]) if "file" in payload else None
    first = int(file.read_text()) if file and file.is_file() else 0
    number = first
    while number < payload["to"] and not context.should_stop():
        number += 1
        if file:
            file.write_text(str(number))
        print("counted", number)
        context.progress(number, payload["to"], f"counted {number}")
        time.sleep(payload.get("pause", 0))
    return {"from": first, "counted": number}


def die_once(context: JobContext, payload: dict[str, Any]) -> dict[str, Any]:
    """Is killed the first time, as by a system without memory."""
    file = Path(payload["file"])
    if not file.exists():
        file.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return {"survived": True}


def die(context: JobContext, payload: dict[str, Any]) -> dict[str, Any]:
    os.kill(os.getpid(), signal.SIGKILL)
    return {}


def fail(context: JobContext, payload: dict[str, Any]) -> dict[str, Any]:
    raise Failed("The teacher 't' refused. Check its key.", result={"completed": 3})


def end_early(context: JobContext, payload: dict[str, Any]) -> dict[str, Any]:
    """Waits until it is asked to stop, and gives up what it was doing."""
    Path(payload["file"]).touch()
    while not context.should_stop():
        time.sleep(0.02)
    raise Stopped("It was stopped. Two files are kept.", result={"files": 2})


def break_down(context: JobContext, payload: dict[str, Any]) -> dict[str, Any]:
    raise ValueError("odd\nnumber")


def fill_the_disk(context: JobContext, payload: dict[str, Any]) -> dict[str, Any]:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def lose(context: JobContext, payload: dict[str, Any]) -> dict[str, Any]:
    """Writes within the job's own transaction after somebody else took the job."""
    from studio.engine.jobs.queue import claim
    from studio.engine.store.tables import Job, Project

    with context.database.session() as session:
        job = session.get(Job, context.job_id)
        assert job is not None
        job.held_until = 0
    assert claim(context.database, context.job_id) is not None
    with context.session() as session:
        session.add(Project(name="written too late"))
    return {}


def write(context: JobContext, payload: dict[str, Any]) -> dict[str, Any]:
    from studio.engine.store.tables import Project

    with context.session() as session:
        session.add(Project(name="written"))
    return {"projects": len(Projects(context.database).list())}


ENTRIES = {
    "count": count, "die_once": die_once, "die": die, "fail": fail, "end_early": end_early, "break_down": break_down,
    "fill_the_disk": fill_the_disk, "lose": lose, "write": write, "heavy_count": count,
}  # fmt: skip
RUNNER = Runner({Kind(name): entry for name, entry in ENTRIES.items()}, OURS.studio_of)


def jobs_of(database: Database, project_id: int) -> Jobs:
    """Jobs of the kinds in `job_entries`."""
    executor = LocalExecutor(database.settings, "job_entries")
    access = Access(People(database).owner(), "default")
    return Jobs(database, project_id, database.settings, RUNNER, executor, access)


if __name__ == "__main__":
    leave(child.main(RUNNER))
