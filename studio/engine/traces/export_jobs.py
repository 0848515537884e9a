"""Exporting traces as a job: started for a worker, which returns at once, or run here for a command that waits."""

from pathlib import Path
from typing import Any

from studio.engine.domain.permissions import Action, Service, needs
from studio.engine.domain.states import JOB_ENDED
from studio.engine.domain.status import Status, status
from studio.engine.errors import BadInput, Stopped, StudioError
from studio.engine.jobs import Jobs, Kind, Progress, Retry
from studio.engine.store import place_of, stamp_of
from studio.engine.store.tables import Job
from studio.engine.traces.export_leftovers import remove_left
from studio.engine.traces.exporting import ExportOptions
from studio.engine.traces.filters import TraceFilter
from studio.engine.traces.traces import Traces

EXPORT = Kind("export_traces", action=Action.READ, retry=Retry.BEGINS_ANEW)
LOOKED_AT = 200
"""The newest exports, of which it is looked after what they left."""


class TraceExports(Service):
    """The exports of one project's traces."""

    def __init__(self, traces: Traces, jobs: Jobs) -> None:
        self._traces, self._jobs = traces, jobs

    @needs(Action.READ)
    def start(self, path: Path, filter: TraceFilter, options: ExportOptions) -> Job:
        """Starts an export. Raises `BadInput` for a file that cannot be written or a filter that matches nothing, with
        nothing begun."""
        title, payload = self._asked(path, filter, options)
        return self._jobs.enqueue(EXPORT, title, payload)

    @needs(Action.READ)
    def run_here(
        self, path: Path, filter: TraceFilter, options: ExportOptions, *, on_progress: Progress | None = None
    ) -> dict[str, Any]:
        """The same in this process. Returns `rows`, `path`, `sha256`; raises what went wrong, with nothing written."""
        title, payload = self._asked(path, filter, options)
        result = self._jobs.run_new(EXPORT, title, payload, on_progress=on_progress)
        if result["path"] is None:
            raise Stopped("It was stopped from elsewhere. Nothing of it is kept.", result=result)
        return result

    def _remove_left(self) -> None:
        """Removes what exports that were killed, and that nobody goes on with now, have left beside their files."""
        jobs = self._jobs.newest(EXPORT, LOOKED_AT)
        places = {job.id or 0: self._place_of(job) for job in jobs}
        remove_left({job_id: place for job_id, place in places.items() if place is not None}, self._is_over)

    def _place_of(self, job: Job) -> Path | None:
        """Where an earlier export wrote; None for a place that cannot be told, or that this instance does not let
        its users name any more."""
        kept = job.payload.get("path") if isinstance(job.payload, dict) else None
        try:
            return place_of(self._traces.addresses.found(kept)) if isinstance(kept, str) else None
        except (StudioError, OSError, ValueError):
            return None

    def _is_over(self, job_id: int) -> bool:
        job = self._jobs.get(job_id)
        return job.state in JOB_ENDED or self._jobs.is_waiting(job)

    def _asked(self, path: Path, filter: TraceFilter, options: ExportOptions) -> tuple[Status, dict[str, Any]]:
        path = self._traces.check_export(path, options)
        self._remove_left()
        if not self._traces.count(filter)[0]:
            raise BadInput("No trace matches, so there is nothing to export. Widen the filter.")
        payload = {
            "path": self._traces.addresses.kept(path), "over": stamp_of(path), "filter": filter.as_dict(),
            "format": options.format, "keep_system_message": options.keep_system_message,
            "for_student": options.for_student,
        }  # fmt: skip
        return status("title_export_traces", name=path.name), payload
