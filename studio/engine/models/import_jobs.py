"""Bringing a model as a job: started for a worker, which returns at once, or run here for a command that waits."""

from typing import Any

from studio.engine.domain.permissions import Action, Service, needs
from studio.engine.domain.states import JobState
from studio.engine.domain.status import Status, status
from studio.engine.errors import BadInput, Stopped
from studio.engine.jobs import Jobs, Kind, Progress, Retry, Subject
from studio.engine.models.registry import Models
from studio.engine.store.tables import Job, Model

BRING = Kind("bring_model", retry=Retry.BEGINS_ANEW)
SUBJECT = "model"


class ModelImports(Service):
    """The imports of one project's models."""

    def __init__(self, models: Models, jobs: Jobs) -> None:
        self._models, self._jobs = models, jobs

    @needs(Action.BUILD)
    def start(self, source: str, name: str, *, in_place: bool = False) -> Job:
        """Starts to bring a model. Raises `BadInput` for what can be told without copying, with nothing begun."""
        title, payload = self._asked(source, name, in_place)
        return self._jobs.enqueue(BRING, title, payload, subject=Subject.to_be(SUBJECT, name))

    @needs(Action.BUILD)
    def run_here(self, source: str, name: str, *, in_place: bool = False, on_progress: Progress | None = None) -> Model:
        """The same in this process. Raises what went wrong, with nothing kept."""
        title, payload = self._asked(source, name, in_place)
        about = Subject.to_be(SUBJECT, name)
        result = self._jobs.run_new(BRING, title, payload, subject=about, on_progress=on_progress)
        if result["model"] is None:
            raise Stopped("It was stopped from elsewhere. Nothing of it is kept.", result=result)
        return self._models.get(name)

    @needs(Action.READ)
    def newest(self) -> Job | None:
        """The last import that was started."""
        return next(iter(self._jobs.newest(BRING, 1)), None)

    def _asked(self, source: str, name: str, in_place: bool) -> tuple[Status, dict[str, Any]]:
        named = self._models.check_import(source, name)
        for job in self._jobs.under_way(BRING):
            if _brings(job, name):
                self._make_room(job, name)
        self._models.remove_left({job.id or 0 for job in self._jobs.under_way(BRING)})
        payload = {"address": str(self._models.address_of(named)), "name": name, "in_place": in_place}
        return status("title_bring", name=name), payload

    def _make_room(self, job: Job, name: str) -> None:
        """Raises `BadInput` for another import that brings a model of that name; one whose process is gone is ended."""
        if job.state == JobState.RUNNING and self._jobs.is_waiting(job):
            self._jobs.stop(job.id or 0)
            return
        raise BadInput(
            f"A model named '{name}' is being brought in at this moment. Wait for it or stop it "
            f"(`understudy jobs stop {job.id}`), or choose another name."
        )


def _brings(job: Job, name: str) -> bool:
    """Whether a job brings a model of that name; one that an earlier version queued says it in its payload alone."""
    about = Subject.to_be(SUBJECT, name)
    if job.subject_kind is None:
        return job.payload.get("name") == name
    return (job.subject_kind, job.subject_id) == (about.kind, about.id)
