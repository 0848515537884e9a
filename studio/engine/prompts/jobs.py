"""The long work of this room as jobs: importing a file, making many practice problems, measuring how varied a source
is, deleting a large one. Each is started for a worker, which returns at once, or run here for a command that waits."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from studio.engine.domain.permissions import Action, Service, needs
from studio.engine.domain.states import JobState
from studio.engine.domain.status import Status, status
from studio.engine.errors import Stopped
from studio.engine.jobs import Jobs, Kind, Progress, Retry, Subject
from studio.engine.prompts import making
from studio.engine.prompts.diversity import AMONG, ASKED, Diversity
from studio.engine.prompts.prompts import Prompts
from studio.engine.prompts.read_options import ReadOptions
from studio.engine.prompts.record import ImportReport
from studio.engine.prompts.writing import SUBJECT, staging
from studio.engine.store import Addresses, Database, Upload, keep_upload
from studio.engine.store.tables import Job, PromptSource

IMPORT = Kind("import_prompts", retry=Retry.BEGINS_ANEW)
PRACTICE = Kind("make_practice", retry=Retry.BEGINS_ANEW)
DIVERSITY = Kind("measure_diversity", retry=Retry.BEGINS_ANEW)
DELETE = Kind("delete_prompts", retry=Retry.GOES_ON)
USUAL = ReadOptions()
AT_ONCE = 1000
"""Prompts that are made or deleted while somebody waits for it: one short transaction."""


class PromptJobs(Service):
    """The jobs of this room in one project."""

    def __init__(self, database: Database, project_id: int, prompts: Prompts, jobs: Jobs) -> None:
        self._database, self._project_id = database, project_id
        self._prompts, self._jobs = prompts, jobs
        self._addresses = Addresses(database.settings)

    @needs(Action.BUILD)
    def import_file(self, path: Path, name: str, options: ReadOptions = USUAL) -> Job:
        """Starts an import; an uploaded file is kept until it is done. Raises `BadInput` for what its first rows tell,
        and `NameTaken`, with nothing begun."""
        upload = keep_upload(self._database.settings, self._check_import(path, name, options))
        payload = self._import_payload(upload.path, name, options, upload)
        return self._start(IMPORT, status("title_import", name=name.strip()), payload)

    @needs(Action.BUILD)
    def import_file_here(
        self, path: Path, name: str, options: ReadOptions = USUAL, *, on_progress: Progress | None = None
    ) -> ImportReport:
        """The same in this process. Returns its report; raises what went wrong, with nothing kept."""
        payload = self._import_payload(self._check_import(path, name, options), name, options, None)
        result = self._run(IMPORT, status("title_import", name=name.strip()), payload, on_progress=on_progress)
        return ImportReport.of(result)

    @needs(Action.BUILD)
    def practice(self, families: Sequence[str], count: int, seed: int, name: str, *, level: int) -> Job | None:
        """Makes practice problems: a few at once, which returns None, and many by a job."""
        self._check_practice(families, count, seed, name, level)
        if count <= AT_ONCE:
            self._prompts.practice(families, count, seed, name, level=level)
            return None
        payload = self._practice_payload(families, count, seed, name, level, None)
        return self._start(PRACTICE, status("title_practice", name=name.strip()), payload, total=count)

    @needs(Action.BUILD)
    def practice_here(
        self,
        families: Sequence[str],
        count: int,
        seed: int,
        name: str,
        *,
        level: int,
        out: Path | None = None,
        on_progress: Progress | None = None,
    ) -> PromptSource:
        """The same in this process, however many, copied to `out` if given."""
        self._check_practice(families, count, seed, name, level)
        payload = self._practice_payload(families, count, seed, name, level, out)
        title = status("title_practice", name=name.strip())
        self._run(PRACTICE, title, payload, total=count, on_progress=on_progress)
        return self._prompts.source(name.strip())

    @needs(Action.BUILD)
    def measure(self, name: str) -> Job:
        """Starts to measure how varied a source is; one that is being measured is not measured twice."""
        source = self._prompts.source(name)
        job = self.measuring(source)
        if job is not None and job.state in (JobState.QUEUED, JobState.RUNNING):
            return job
        return self._jobs.enqueue(DIVERSITY, **_measuring(source, ASKED, AMONG, 0))

    @needs(Action.BUILD)
    def measure_here(self, name: str, *, asked: int = ASKED, among: int = AMONG, seed: int = 0) -> Diversity:
        """The same in this process."""
        source = self._prompts.source(name)
        result = self._jobs.run_new(DIVERSITY, **_measuring(source, asked, among, seed))
        return Diversity.of(_whole(result, "diversity")["diversity"])

    @needs(Action.READ)
    def measuring(self, source: PromptSource) -> Job | None:
        """The newest job that measures or measured a source."""
        return self._jobs.about(Subject(SUBJECT, source.id or 0), DIVERSITY)

    @needs(Action.BUILD)
    def delete(self, name: str) -> None:
        """Deletes a source: at once as everybody sees it, the rows of a large one by a job."""
        count, reserved = self._prompts.source(name).count, self._prompts.hide(name)
        if count <= AT_ONCE:
            self._prompts.clear(reserved)
            return
        job = self._jobs.enqueue(
            DELETE, status("title_delete", name=name), {"name": name, "reserved": reserved.as_dict()},
            subject=Subject(SUBJECT, reserved.row), total=count,
        )  # fmt: skip
        staging(self._database, self._project_id).hand_over(reserved, job.id or 0)

    @needs(Action.READ)
    def under_way(self) -> list[Job]:
        """The jobs that are making a source of a file or of the practice world, the newest first."""
        active = [*self._jobs.list(JobState.RUNNING), *self._jobs.list(JobState.QUEUED)]
        return [job for job in active if job.kind in (IMPORT.name, PRACTICE.name)]

    def _check_import(self, path: Path, name: str, options: ReadOptions) -> Path:
        """What would be read."""
        self._prompts.check_free(name)
        path = self._prompts.references.rows(path)
        options.check(path)
        return path

    def _check_practice(self, families: Sequence[str], count: int, seed: int, name: str, level: int) -> None:
        self._prompts.check_free(name)
        making.check(families, count, level, seed)

    def _import_payload(self, path: Path, name: str, options: ReadOptions, upload: Upload | None) -> dict[str, Any]:
        return {
            "path": self._addresses.kept(path), "name": name.strip(), **options.as_payload(self._addresses),
            "upload": upload.folder if upload else None,
        }  # fmt: skip

    def _practice_payload(
        self, families: Sequence[str], count: int, seed: int, name: str, level: int, out: Path | None
    ) -> dict[str, Any]:
        return {
            "families": list(families), "count": count, "seed": seed, "name": name.strip(), "level": level,
            "out": self._addresses.kept(self._prompts.references.source(out)) if out else None,
        }  # fmt: skip

    def _start(self, kind: Kind, title: Status, payload: dict[str, Any], total: int | None = None) -> Job:
        staged = staging(self._database, self._project_id)
        reserved = staged.reserve(payload["name"])
        job = self._jobs.enqueue(
            kind, title, {**payload, "reserved": reserved.as_dict()}, subject=Subject(SUBJECT, reserved.row),
            total=total,
        )  # fmt: skip
        staged.hand_over(reserved, job.id or 0)
        return job

    def _run(
        self,
        kind: Kind,
        title: Status,
        payload: dict[str, Any],
        total: int | None = None,
        on_progress: Progress | None = None,
    ) -> dict[str, Any]:
        reserved = staging(self._database, self._project_id).reserve(payload["name"])
        result = self._jobs.run_new(
            kind, title, {**payload, "reserved": reserved.as_dict()}, subject=Subject(SUBJECT, reserved.row),
            total=total, on_progress=on_progress,
        )  # fmt: skip
        return _whole(result, "source")


def _measuring(source: PromptSource, asked: int, among: int, seed: int) -> dict[str, Any]:
    """What a job is made of."""
    return {
        "title": status("title_diversity", name=source.name),
        "payload": {"name": source.name, "asked": asked, "among": among, "seed": seed},
        "subject": Subject(SUBJECT, source.id or 0),
    }


def _whole(result: dict[str, Any], key: str) -> dict[str, Any]:
    if result.get(key) is None:
        raise Stopped("It was stopped from elsewhere. Nothing of it is kept.", result=result)
    return result
