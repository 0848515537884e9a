"""The process of one job. A module above all rooms calls `main` with the runner it composed; the settings are in the
environment.

Its output is the job's log. SIGTERM asks the entry to end early; exit code 0: ended, 1: failed, 3: taken over.
"""

import argparse
import logging
import os
import signal
import sys
import threading
import time

from studio.engine.domain.states import JobState
from studio.engine.errors import Lost, Stopped, StudioError
from studio.engine.jobs.execution import Interruption, execute
from studio.engine.jobs.queue import LEASE, ClaimedJob, adopt, claim
from studio.engine.jobs.runner import Runner
from studio.engine.settings import Settings
from studio.engine.store import Database

FAILED, TAKEN_OVER = 1, 3
log = logging.getLogger("understudy.job")


def main(runner: Runner, arguments: list[str] | None = None) -> int:
    """Runs the job whose number is the first argument."""
    options = _options(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s", stream=sys.stdout)
    logging.getLogger("httpx").setLevel(logging.WARNING)
    settings = Settings().prepare()
    database = Database(settings)
    interruption = Interruption()
    _listen(interruption, options.parent)
    try:
        claimed = _claimed(database, options)
        if claimed is None:
            log.info("Job %s is being run by another process, or has ended.", options.job)
            return TAKEN_OVER
        execute(database, runner, claimed, lease_seconds=options.lease, interruption=interruption)
    except Lost as exc:
        log.warning("%s", exc.message)
        return TAKEN_OVER
    except Stopped as exc:
        log.info("%s", exc.message)
    except StudioError as exc:
        log.error("%s", exc.message)
        return FAILED
    finally:
        database.close()
    return 0


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("job", type=int)
    parser.add_argument("--epoch", type=int, help="of a claim made by the process that starts this one")
    parser.add_argument("--lease", type=float, default=LEASE, help="seconds")
    parser.add_argument("--parent", type=int, help="stop when this process is gone")
    return parser.parse_args(arguments)


def _claimed(database: Database, options: argparse.Namespace) -> ClaimedJob | None:
    if options.epoch is None:
        return claim(database, options.job, lease=options.lease)
    return adopt(database, options.job, options.epoch, lease=options.lease)


def _listen(interruption: Interruption, parent: int | None) -> None:
    """A worker that ends puts the job back for the next one; a job run for a command stops with the command."""
    then = JobState.QUEUED if parent is None else JobState.STOPPED
    signal.signal(signal.SIGTERM, lambda *_: interruption.ask(then))
    signal.signal(signal.SIGINT, lambda *_: interruption.ask(then))
    if parent is not None and os.name == "posix":
        threading.Thread(target=_watch, args=(parent, interruption), daemon=True).start()


def _watch(parent: int, interruption: Interruption) -> None:
    while os.getppid() == parent:
        time.sleep(0.5)
    interruption.ask(JobState.STOPPED)
