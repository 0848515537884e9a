"""What is deleted is in the bin, with what depended on it named; it comes back as it was, unless it was needed."""

import pytest
from sqlmodel import select

from studio.engine.bin import ThingKind
from studio.engine.domain.permissions import Actor, PersonKind
from studio.engine.domain.states import JobState, StudyState
from studio.engine.errors import BadInput, NameTaken, NotAllowed, NotFound
from studio.engine.jobs import Kind, Subject
from studio.engine.store.tables import Model, Stage, Study
from studio.engine.studio import Studio, studio_in
from studio.engine.teachers.collecting import COLLECT, subject_of
from studio.engine.traces import FreezeOptions, TraceFilter

NAMES = {
    "prompts": "quiz",
    "run": "run",
    "dataset": "plain-v1",
    "model": "child",
    "study": "study",
    "teacher": "teacher",
}


def shown(studio: Studio, kind: str) -> list[str]:
    """What a list of the studio shows."""
    lists = {
        "prompts": lambda: [one.name for one in studio.prompts.sources()],
        "run": lambda: [one.name for one in studio.collecting.runs()],
        "dataset": lambda: [one.ref for one in studio.datasets.list()],
        "model": lambda: [one.name for one in studio.models.list()],
        "study": lambda: [one.study.name for one in studio.studies.list()],
        "teacher": lambda: [one.name for one in studio.teachers.list()],
    }
    return lists[kind]()


def find(studio: Studio, kind: str, name: str) -> object:
    finders = {
        "prompts": studio.prompts.source, "run": studio.collecting.get, "dataset": studio.datasets.get,
        "model": studio.models.get, "study": studio.studies.get, "teacher": studio.teachers.get,
    }  # fmt: skip
    return finders[kind](name)


def test_what_is_deleted_is_found_by_nothing_and_comes_back_as_it_was(whole_on_both: Studio) -> None:
    whole = whole_on_both
    before = whole.overview().counts
    for kind, name in NAMES.items():
        whole.bin.delete(kind, name)
        assert name not in shown(whole, kind), kind
        with pytest.raises(NotFound):
            find(whole, kind, name)
    counts = whole.overview().counts
    assert all(counts[step] < before[step] for step in before), (before, counts)
    assert whole.traces.count(TraceFilter())[0] == 0
    assert whole.overview().spent_usd > 0
    assert [one.name for one in whole.bin.list()] == list(NAMES.values())[::-1]
    for kind, name in NAMES.items():
        back = whole.bin.restore(kind, name)
        assert (back.name, back.by) == (name, whole.actor.name)
        assert find(whole, kind, name) and name in shown(whole, kind)
    assert whole.overview().counts == before and not whole.bin.list()


def test_what_depends_on_a_thing_is_named_and_nothing_is_changed_by_asking(whole_on_both: Studio) -> None:
    whole = whole_on_both
    asked = {kind: [str(one) for one in whole.bin.look(kind, name).depends] for kind, name in NAMES.items()}
    assert asked == {
        "prompts": ["prompts: 8", "runs: 1 (run)"],
        "run": ["traces: 8", "datasets: 1 (plain-v1)"],
        "dataset": ["students: 2 (student, child)"],
        "model": ["files: 1"],
        "study": ["votes: 1"],
        "teacher": ["runs: 1 (run)"],
    }
    assert str(whole.bin.look("model", "student").depends[0]) == "students: 1 (child)"
    assert not whole.bin.list() and "quiz" in shown(whole, "prompts")


def test_a_thing_that_is_put_away_is_off_the_lists_and_found_by_its_name(whole: Studio) -> None:
    for kind, name in NAMES.items():
        whole.bin.archive(kind, name)
        assert name not in shown(whole, kind) and find(whole, kind, name), kind
    assert {(one.kind, one.name) for one in whole.bin.archived()} == set(NAMES.items())
    assert whole.traces.count(TraceFilter())[0] == 8
    for kind, name in NAMES.items():
        whole.bin.restore(kind, name)
        assert name in shown(whole, kind), kind


def test_another_may_take_the_name_and_the_first_comes_back_under_a_new_one(whole: Studio) -> None:
    whole.bin.delete("prompts", "quiz")
    whole.prompts.practice(["addition"], 3, 2, "quiz", level=1)
    with pytest.raises(NameTaken, match="restore prompts 'quiz' --name OTHER"):
        whole.bin.restore("prompts", "quiz")
    assert whole.bin.restore("prompts", "quiz", "older").name == "older"
    assert (whole.prompts.source("quiz").count, whole.prompts.source("older").count) == (3, 8)


def test_a_model_in_the_bin_keeps_its_name_and_versions_count_on(whole: Studio) -> None:
    whole.bin.delete("model", "child")
    with pytest.raises(NameTaken, match="is in the bin"):
        whole.models.register_student("child", parent="student")
    whole.bin.delete("dataset", "plain-v1")
    assert whole.freezes.run_here("plain", FreezeOptions(TraceFilter()))["version"] == 2
    assert whole.datasets.get("plain").ref == "plain-v2"


def test_what_a_job_works_on_is_refused_with_what_to_stop(whole: Studio) -> None:
    child = whole.models.get("child")
    job = whole.jobs.enqueue(Kind("train"), "Train child", {}, subject=Subject("model", child.id or 0))
    for kind, name in (("model", "child"), ("model", "student"), ("dataset", "plain-v1"), ("project", "default")):
        with pytest.raises(BadInput, match=f"jobs stop {job.id}"):
            whole.bin.delete(kind, name)
    whole.jobs.stop(job.id or 0)
    assert whole.bin.delete("model", "child").name == "child"


def test_a_job_about_what_is_in_the_bin_is_not_tried_again(whole: Studio) -> None:
    run = whole.collecting.get("run")
    job = whole.jobs.add(COLLECT, "Collect", {"run_id": run.id}, subject=subject_of(run), state=JobState.STOPPED)
    whole.bin.delete("run", "run")
    with pytest.raises(BadInput, match="restore run 'run'"):
        whole.jobs.retry(job.id or 0)
    with pytest.raises(NotFound, match="no run named 'run'"):
        whole.collecting.name_of(run.id or 0)
    whole.bin.restore("run", "run")
    assert whole.jobs.retry(job.id or 0).state == JobState.QUEUED


def test_what_an_open_study_compares_is_refused(whole: Studio) -> None:
    with whole.database.session() as session:
        session.exec(select(Study)).one().state = StudyState.READY
    with pytest.raises(BadInput, match="study 'study', which is open"):
        whole.bin.delete("model", "student")
    whole.bin.delete("study", "study")
    assert whole.bin.delete("model", "student").name == "student"


def test_raters_links_lead_nowhere_while_their_study_is_in_the_bin(whole: Studio) -> None:
    whole.bin.delete("study", "study")
    with pytest.raises(NotFound):
        whole.rated("token-of-default")
    whole.bin.restore("study", "study")
    assert whole.rated("token-of-default").project.name == "default"


def test_a_colleague_may_delete_and_is_named_and_a_rater_may_not(whole: Studio) -> None:
    ann = whole.people.add("Ann", PersonKind.LOCAL)
    colleague = whole.acting_for(whole.people.named_or_new(ann.name))
    colleague.bin.delete("study", "study")
    assert whole.bin.list()[0].by == "Ann"
    with pytest.raises(NotAllowed):
        whole.acting_for(Actor(9, "Rita", PersonKind.RATER)).bin.restore("study", "study")
    assert whole.bin.restore("study", "study").by == "Ann"


def test_a_new_name_reaches_what_was_made_from_a_thing(whole_on_both: Studio) -> None:
    whole = whole_on_both
    whole.bin.rename("model", "student", "first")
    whole.bin.rename("dataset", "plain", "simple")
    with whole.database.session() as session:
        child = session.exec(select(Model).where(Model.name == "child")).one()
        stages = {stage.dataset for stage in session.exec(select(Stage))}
    assert (child.parent, child.recipe) == ("first", {"base": "first"}) and stages == {"simple-v1"}
    chain = whole.models.show("child")["lineage"]
    assert [one["model"] for one in chain] == ["child", "first", "practice-base"]
    assert chain[0]["stages"][0]["sha256"] == whole.datasets.get("simple-v1").sha256
    with pytest.raises(NameTaken, match="'student' is what the model 'first' was called before"):
        whole.models.register_student("student", parent="practice-base")
    for kind, name, to in (("prompts", "quiz", "asked"), ("run", "run", "again"), ("study", "study", "blind")):
        whole.bin.rename(kind, name, to)
        assert shown(whole, kind) == [to]


def test_a_name_that_cannot_be_changed_so_is_refused(whole: Studio) -> None:
    for kind, name, to, why in (
        ("teacher", "teacher", "other", "answers are kept that carry it"),
        ("model", "practice-base", "mine", "comes with the studio"),
        ("model", "child", "../up", "cannot name a model"),
        ("teacher", "teacher", "a/b", "cannot name a teacher"),
        ("model", "child", "student", "already a model named"),
        ("dataset", "plain-v1", "other", "is one version"),
        ("run", "none", "other", "no run named"),
        ("prompt", "quiz", "other", "no kind of thing"),
    ):
        with pytest.raises(BadInput, match=why):
            whole.bin.rename(kind, name, to)


def test_a_project_goes_into_the_bin_and_comes_back_whole(whole: Studio) -> None:
    other = studio_in(whole.database, "other")
    other.bin.delete("project", "default")
    assert [one.name for one in other.projects.list()] == ["other"]
    assert other.at("default").project_id != whole.project_id
    assert [one.kind for one in other.bin.list()] == [ThingKind.PROJECT]
    other.bin.restore("project", "default", "before")
    assert other.at("before").prompts.source("quiz").count == 8
