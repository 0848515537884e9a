"""Bringing in answers as a job: started for a worker, which returns at once, or run here for a command that waits."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from studio.engine.domain.names import composed
from studio.engine.domain.permissions import Action, Service, needs
from studio.engine.domain.states import JobState
from studio.engine.domain.status import status
from studio.engine.errors import Stopped
from studio.engine.jobs import Jobs, Kind, Progress, Retry, Subject
from studio.engine.prompts import ReadOptions
from studio.engine.store import Addresses, Database, keep_upload
from studio.engine.store.tables import Job
from studio.engine.traces import importing
from studio.engine.traces.arriving import SUBJECT, reserve, staging
from studio.engine.traces.traces import Traces

IMPORT = Kind("import_answers", retry=Retry.BEGINS_ANEW)


@dataclass(frozen=True, kw_only=True)
class AnswerOptions(ReadOptions):
    """How answers are read, and what is said of where they came from."""

    teacher_name: str
    terms: str = "unknown"
    batch_input: Path | None = None
    """The input file of a provider's batch whose output is read."""
    every_turn: bool = False
    """Whether each reply of a conversation is an answer, not the last one alone."""

    def check(self, path: Path) -> None:
        importing.settle(path, self.format, self.mapping, rules=self.rules, batch_input=self.batch_input)

    def as_payload(self, addresses: Addresses) -> dict[str, Any]:
        return super().as_payload(addresses) | {
            "teacher": self.teacher_name, "terms": self.terms, "every_turn": self.every_turn,
            "batch_input": addresses.kept(self.batch_input) if self.batch_input else None,
        }  # fmt: skip


class AnswerImports(Service):
    """The imports of answers of one project."""

    def __init__(self, database: Database, project_id: int, traces: Traces, jobs: Jobs) -> None:
        self._database, self._project_id = database, project_id
        self._traces, self._jobs = traces, jobs

    @needs(Action.BUILD)
    def start(self, path: Path, run: str, options: AnswerOptions) -> Job:
        """Starts an import; uploaded files are kept until it is done. Raises `BadInput` for what its first rows tell,
        and `NameTaken`, with nothing begun."""
        path, options = self._checked(path, run, options)
        upload = keep_upload(self._database.settings, path)
        asked = None if options.batch_input is None else keep_upload(self._database.settings, options.batch_input)
        payload = self._payload(upload.path, run, replace(options, batch_input=asked.path if asked else None))
        payload["uploads"] = [kept.folder for kept in (upload, asked) if kept is not None and kept.folder]
        reserved = reserve(self._database, self._project_id, payload["run"])
        job = self._jobs.enqueue(
            IMPORT, status("title_import", name=payload["run"]), {**payload, "reserved": reserved.as_dict()},
            subject=Subject(SUBJECT, reserved.row),
        )  # fmt: skip
        staging(self._database, self._project_id).hand_over(reserved, job.id or 0)
        return job

    @needs(Action.BUILD)
    def run_here(
        self, path: Path, run: str, options: AnswerOptions, *, on_progress: Progress | None = None
    ) -> dict[str, Any]:
        """The same in this process. Returns its report; raises what went wrong, with nothing kept."""
        path, options = self._checked(path, run, options)
        payload = self._payload(path, run, options)
        reserved = reserve(self._database, self._project_id, payload["run"])
        result = self._jobs.run_new(
            IMPORT, status("title_import", name=payload["run"]), {**payload, "reserved": reserved.as_dict()},
            subject=Subject(SUBJECT, reserved.row), on_progress=on_progress,
        )  # fmt: skip
        if result["run"] is None:
            raise Stopped("It was stopped from elsewhere. Nothing of it is kept.", result=result)
        return result

    @needs(Action.READ)
    def under_way(self) -> list[Job]:
        """The imports that run or wait, the newest first."""
        active = [*self._jobs.list(JobState.RUNNING), *self._jobs.list(JobState.QUEUED)]
        return [job for job in active if job.kind == IMPORT.name]

    def _checked(self, path: Path, run: str, options: AnswerOptions) -> tuple[Path, AnswerOptions]:
        """The files that would be read, as they are named from here on."""
        path, references = self._traces.references.rows(path), self._traces.references
        if options.batch_input is not None:
            options = replace(options, batch_input=references.source(options.batch_input))
        options.check(path)
        self._traces.check_import(run, options.teacher_name, options.terms)
        return path, options

    def _payload(self, path: Path, run: str, options: AnswerOptions) -> dict[str, Any]:
        addresses = self._traces.addresses
        return {
            "path": addresses.kept(path), "run": composed(run), **options.as_payload(addresses), "uploads": [],
        }  # fmt: skip
