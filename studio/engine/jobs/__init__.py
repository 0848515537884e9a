"""Durable jobs: a row, a child process, a log file, and a lease whose epoch every write checks.

Entry points are dotted names, `package.module:function`, called as `entry(context, payload) -> result`; this package
imports no step of the loop.
"""

from studio.engine.jobs.board import Jobs
from studio.engine.jobs.context import Entry, JobContext, Progress

__all__ = ["Entry", "JobContext", "Jobs", "Progress"]
