"""Freezing as a job: started for a worker, which returns at once, or run here for a command that waits."""

from dataclasses import replace
from typing import Any

from studio.engine.domain.bounds import SEED
from studio.engine.domain.names import checked_dataset_name
from studio.engine.domain.permissions import Action, Service, needs
from studio.engine.domain.status import status
from studio.engine.errors import Stopped
from studio.engine.jobs import Jobs, Kind, Progress, Retry, Subject
from studio.engine.store import Addresses, Artifacts, Database, keep_upload
from studio.engine.store.tables import Job
from studio.engine.traces.dataset_writer import SUBJECT, reserve, staging
from studio.engine.traces.datasets import Datasets
from studio.engine.traces.emptied import check_not_emptied
from studio.engine.traces.freezing import FreezeOptions

FREEZE = Kind("freeze", retry=Retry.GOES_ON)


class Freezes(Service):
    """The freezes of one project."""

    def __init__(
        self, database: Database, project_id: int, artifacts: Artifacts, datasets: Datasets, jobs: Jobs
    ) -> None:
        self._database, self._project_id, self._artifacts = database, project_id, artifacts
        self._datasets, self._jobs = datasets, jobs

    @needs(Action.BUILD)
    def start(self, name: str, options: FreezeOptions) -> Job:
        """Starts to freeze the next version of a dataset; uploaded files are kept until it is done. Raises `BadInput`
        for what can be told at once, while a version of that name is being frozen, and while the bin is emptied, with
        nothing begun."""
        options = self._datasets.check(name, options)
        uploads = [keep_upload(self._database.settings, path) for path in options.avoid]
        payload = self._payload(name, replace(options, avoid=[kept.path for kept in uploads]))
        payload["uploads"] = [kept.folder for kept in uploads if kept.folder]
        reserved = reserve(self._database, self._project_id, self._artifacts, payload["name"])
        job = self._jobs.enqueue(
            FREEZE, status("title_freeze", name=payload["name"]), {**payload, "reserved": reserved.as_dict()},
            subject=Subject(SUBJECT, reserved.row),
        )  # fmt: skip
        staging(self._database, self._project_id, self._artifacts).hand_over(reserved, job.id or 0)
        return job

    @needs(Action.BUILD)
    def run_here(self, name: str, options: FreezeOptions, *, on_progress: Progress | None = None) -> dict[str, Any]:
        """The same in this process. Returns the version's report; raises what went wrong, with nothing kept."""
        options = self._datasets.check(name, options)
        payload = self._payload(name, options)
        reserved = reserve(self._database, self._project_id, self._artifacts, payload["name"])
        result = self._jobs.run_new(
            FREEZE, status("title_freeze", name=payload["name"]), {**payload, "reserved": reserved.as_dict()},
            subject=Subject(SUBJECT, reserved.row), on_progress=on_progress,
        )  # fmt: skip
        if result["dataset"] is None:
            raise Stopped("It was stopped from elsewhere. Nothing of it is kept.", result=result)
        return result

    @needs(Action.READ)
    def newest(self) -> Job | None:
        """The last freeze that was started, whatever became of it."""
        return next(iter(self._jobs.newest(FREEZE, 1)), None)

    def _payload(self, name: str, options: FreezeOptions) -> dict[str, Any]:
        with self._database.session() as session:
            check_not_emptied(session)
        addresses = Addresses(self._database.settings)
        SEED.check(options.seed, "The seed", "seed")
        return {
            "name": checked_dataset_name(name), "filter": options.filter.as_dict(), "test_share": options.test_share,
            "avoid": [addresses.kept(path) for path in options.avoid], "seed": options.seed,
            "keep_system_message": options.keep_system_message, "uploads": [],
        }  # fmt: skip
