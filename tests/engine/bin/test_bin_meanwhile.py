"""What happens in the bin while something else is under way: numbers that are given again, names, claims, freezes."""

from typing import Any

import pytest
from sqlmodel import select

from studio.engine.bin import EMPTY
from studio.engine.domain.states import BinState, JobState
from studio.engine.errors import BadInput
from studio.engine.jobs import Kind, Subject
from studio.engine.store.tables import BinItem, Model, Run, Study, Teacher, Trace
from studio.engine.studio import Studio
from studio.engine.teachers.runs import run_lease
from studio.engine.traces import FreezeOptions, TraceFilter
from studio.engine.traces.dataset_writer import DatasetWriter

BORN: dict[str, dict[str, Any]] = {
    "study": {"token": "new", "arms": []},
    "model": {"kind": "base", "path": "models/new"},
}


def names(studio: Studio) -> list[str]:
    return [away.name for away in studio.bin.list()]


def lineage(studio: Studio, name: str) -> Any:
    return [
        (one["model"], [[share["terms"] for share in stage["teachers"]] for stage in one["stages"]])
        for one in studio.models.show(name)["lineage"]
    ]


def test_an_emptying_leaves_what_came_into_the_bin_under_a_number_that_was_free_again(whole: Studio) -> None:
    whole.bin.delete("study", "study")
    job = whole.bin.empty()
    whole.bin.restore("study", "study")
    whole.bin.delete("run", "run")
    assert whole.jobs.run_here(job.id or 0)["emptied"] == 0
    assert names(whole) == ["run"] and whole.bin.restore("run", "run").name == "run"
    with whole.database.session() as session:
        assert len(session.exec(select(Trace.id)).all()) == 8


def test_an_emptying_that_was_killed_after_a_row_went_leaves_the_next_row_of_its_number(whole: Studio) -> None:
    whole.bin.delete("study", "study")
    with whole.database.session() as session:
        item = session.exec(select(BinItem)).one()
        item.state, session.get_one(Study, item.thing_id).binned_at = BinState.EMPTYING, None
        session.add(item)
    assert whole.bin.empty_here()["emptied"] == 1 and not names(whole)
    with whole.database.session() as session:
        assert len(session.exec(select(Study)).all()) == 1


def test_an_emptying_that_was_killed_after_a_row_went_is_finished(whole: Studio) -> None:
    whole.bin.delete("study", "study")
    with whole.database.session() as session:
        item = session.exec(select(BinItem)).one()
        item.state, item.thing_id = BinState.EMPTYING, item.thing_id + 99
        session.add(item)
    whole.bin.empty_here()
    assert not names(whole)


def test_a_dataset_that_was_renamed_is_the_one_of_a_student_that_comes_back(whole: Studio) -> None:
    before = lineage(whole, "child")
    for name in ("child", "student"):
        whole.bin.delete("model", name)
    whole.bin.rename("dataset", "plain", "fancy")
    whole.bin.delete("dataset", "fancy-v1")
    for name in ("student", "child"):
        whole.bin.restore("model", name)
    whole.bin.empty_here()
    assert lineage(whole, "child") == before and before[0][1] == [["yes"]]


def test_a_parent_that_was_renamed_is_the_one_of_a_student_that_comes_back(whole: Studio) -> None:
    whole.bin.delete("model", "child")
    whole.bin.rename("model", "student", "pupil")
    whole.bin.restore("model", "child")
    assert whole.models.get("child").parent == "pupil" and whole.models.get("child").recipe == {"base": "pupil"}


def test_a_version_in_the_bin_is_found_there_by_the_name_that_its_dataset_has_now(whole: Studio) -> None:
    whole.freezes.run_here("plain", FreezeOptions(TraceFilter()))
    whole.bin.delete("dataset", "plain-v1")
    whole.bin.rename("dataset", "plain", "fancy")
    assert names(whole) == ["fancy-v1"] and whole.bin.restore("dataset", "fancy-v1").name == "fancy-v1"


def test_nothing_is_frozen_while_the_bin_is_to_be_emptied(whole: Studio) -> None:
    whole.bin.delete("dataset", "plain-v1")
    job = whole.bin.empty()
    for freeze in (whole.freezes.run_here, whole.freezes.start):
        with pytest.raises(BadInput, match=f"jobs stop {job.id}"):
            freeze("again", FreezeOptions(TraceFilter(), test_share=0.25))
    whole.jobs.stop(job.id or 0)
    assert whole.freezes.run_here("again", FreezeOptions(TraceFilter(), test_share=0.25))["dataset"] == "again"
    assert whole.datasets.path("again-v1").is_file()


def test_an_emptying_that_was_asked_for_before_takes_nothing_from_under_a_freeze(
    whole: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole.bin.delete("dataset", "plain-v1")
    job = whole.bin.empty()
    monkeypatch.setattr("studio.engine.traces.freeze_jobs.check_not_emptied", lambda session: None)
    finish = DatasetWriter.finish  # Asked for in the same moment: neither saw the other.

    def last(self: DatasetWriter, **values: Any) -> Any:
        with pytest.raises(BadInput, match="reads what would be deleted"):
            whole.jobs.run_here(job.id or 0)
        return finish(self, **values)

    monkeypatch.setattr(DatasetWriter, "finish", last)
    whole.freezes.run_here("again", FreezeOptions(TraceFilter(), test_share=0.25))
    assert whole.datasets.path("again-v1").is_file() and names(whole) == ["plain-v1"]


@pytest.mark.parametrize(("kind", "name"), [("run", "second"), ("teacher", "teacher")])
def test_a_run_is_not_claimed_once_it_or_its_teacher_is_in_the_bin(whole: Studio, kind: str, name: str) -> None:
    run = whole.collecting.create("teacher", "quiz", name="second")
    whole.bin.delete(kind, name)
    with pytest.raises(BadInput, match="in the bin"):
        run_lease.claim_run(whole.database, run.id or 0)


def test_what_a_collector_holds_is_left_in_the_bin(whole: Studio) -> None:
    run = whole.collecting.create("teacher", "quiz", name="second")
    run_lease.claim_run(whole.database, run.id or 0)
    with whole.database.session() as session:  # It was put there in the very moment of the claim.
        for kind, table, number in (("run", Run, run.id), ("teacher", Teacher, run.teacher_id)):
            item = BinItem(project_id=whole.project_id, kind=kind, thing_id=number or 0, name=kind)
            session.add(item)
            session.get_one(table, number).binned_at = item.created_at
    assert whole.bin.empty_here()["emptied"] == 0 and len(names(whole)) == 2


def test_an_emptying_that_never_began_is_stopped_at_once(whole: Studio) -> None:
    whole.bin.delete("study", "study")
    job = whole.bin.empty()
    assert whole.jobs.stop(job.id or 0).state == JobState.STOPPED
    whole.backups.start()


def test_a_project_in_the_bin_is_deleted_from_another(whole: Studio) -> None:
    other = whole.at("other")
    whole.bin.delete("project", "default")
    with pytest.raises(BadInput, match="'default' is in the bin itself"):
        whole.bin.empty_here()
    assert not whole.jobs.newest(EMPTY) and other.bin.empty_here()["emptied"] == 1


def test_the_job_of_a_run_that_was_deleted_for_good_is_not_retried(whole: Studio) -> None:
    whole.collecting.create("teacher", "quiz", name="third")
    job = whole.collecting.start("third")
    whole.jobs.stop(job.id or 0)
    whole.bin.delete("run", "third")
    whole.bin.empty_here()
    with pytest.raises(BadInput, match="'third', which was deleted for good"):
        whole.jobs.retry(job.id or 0)


@pytest.mark.parametrize(("kind", "name"), [("study", "study"), ("model", "child")])
def test_a_job_goes_not_on_with_the_next_thing_of_the_number_of_its_own(whole: Studio, kind: str, name: str) -> None:
    table: Any = Study if kind == "study" else Model
    with whole.database.session() as session:
        number = session.exec(select(table.id).where(table.name == name)).one()
    job = whole.jobs.add(Kind("score"), "Score", {}, subject=Subject(kind, number), state=JobState.STOPPED)
    whole.bin.delete(kind, name)
    whole.bin.empty_here()
    with whole.database.session() as session:
        session.add(table(id=number, project_id=whole.project_id, name="another", **BORN[kind]))
    with pytest.raises(BadInput, match="was deleted for good"):
        whole.jobs.retry(job.id or 0)
    assert whole.jobs.about(Subject(kind, number)) is None
