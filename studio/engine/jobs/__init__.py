"""Durable jobs: a row, a child process, a log file, and a lease whose epoch every write checks.

A row names a kind. A `Runner`, composed above all rooms, knows the entry of each: `entry(context, payload) -> result`.
This package imports no step of the loop.
"""

from studio.engine.jobs.board import Jobs
from studio.engine.jobs.context import Entry, JobContext, Progress
from studio.engine.jobs.executor import Executor, LocalExecutor
from studio.engine.jobs.kind import ACCELERATED, LIGHT, WHOLE_MACHINE, Kind, Resources, Retry, Subject
from studio.engine.jobs.logs import log_path
from studio.engine.jobs.reserving import SILENT, Reservation, Reserved
from studio.engine.jobs.runner import Runner
from studio.engine.jobs.staging import Signature, Staged, StagedWriter, Staging, signed_in_columns
from studio.engine.jobs.subjects import part_from
from studio.engine.jobs.waiting import JobWait
from studio.engine.jobs.worker import Worker

__all__ = [
    "ACCELERATED",
    "LIGHT",
    "SILENT",
    "WHOLE_MACHINE",
    "Entry",
    "Executor",
    "JobContext",
    "JobWait",
    "Jobs",
    "Kind",
    "LocalExecutor",
    "Progress",
    "Reservation",
    "Reserved",
    "Resources",
    "Retry",
    "Runner",
    "Signature",
    "Staged",
    "StagedWriter",
    "Staging",
    "Subject",
    "Worker",
    "log_path",
    "part_from",
    "signed_in_columns",
]
