"""From a student back to its teachers, and what may be done with it."""

import pytest

from studio.engine.lineage import Ancestor, StageSource, TeacherShare
from studio.engine.models.licence import verdict_of
from studio.engine.store.tables import Dataset, DatasetRow, Run, Stage, Trace


def chain(*terms, licence="apache-2.0"):
    shares = tuple(TeacherShare(f"teacher-{number}", "m", term, 10, ("run",)) for number, term in enumerate(terms))
    stages = (StageSource("one", "data-v1", "00", 10, shares),) if terms else ()
    return Ancestor("student", "student", "", stages), Ancestor("root", "base", licence, ())


@pytest.mark.parametrize(
    ("terms", "licence", "use"),
    [
        (("yes",), "apache-2.0", "yes"),
        (("yes", "unknown"), "apache-2.0", "unknown"),
        (("yes", "whatever"), "apache-2.0", "unknown"),
        (("yes", "research"), "apache-2.0", "research"),
        (("unknown", "no", "research"), "apache-2.0", "no"),
        (("yes",), "", "unknown"),
        (("yes",), "llama3", "unknown"),
        ((), "mit", "yes"),
    ],
)
def test_commercial_use_is_the_strictest_of_all_terms(terms, licence, use):
    verdict = verdict_of(chain(*terms, licence=licence))
    assert verdict.commercial_use == use
    assert verdict.words.endswith(".")


def test_verdict_names_the_teacher_that_decides():
    assert "teacher-1" in verdict_of(chain("yes", "no")).words
    assert "teacher-0" not in verdict_of(chain("yes", "no")).words


def test_dataset_of_unknown_origin_leaves_commercial_use_unknown():
    student = Ancestor("s", "student", "", (StageSource("one", "lost-v1", "", 0, ()),))
    assert verdict_of((student, Ancestor("root", "base", "mit", ()))).commercial_use == "unknown"


@pytest.fixture
def grown(studio):
    """A student of two stages on the practice base, and its own student."""
    models, project = studio.models, studio.project.id
    first = models.register_student("first", parent="practice-base", state="ready")
    models.register_student("second", parent="first", state="ready")
    with studio.database.session() as session:
        run = Run(project_id=project, name="gather")
        dataset = Dataset(project_id=project, name="plain", version=2, train_rows=3, test_rows=0, sha256="ab", path="x")
        session.add_all([run, dataset])
        session.flush()
        for teacher, terms in (("a", "yes"), ("a", "yes"), ("b", "unknown")):
            trace = Trace(project_id=project, run_id=run.id, teacher=teacher, terms=terms)
            session.add(trace)
            session.flush()
            session.add(DatasetRow(dataset_id=dataset.id, trace_id=trace.id, split="train"))
        session.add(Stage(model_id=first.id, position=0, name="plain", dataset="plain-v2"))
    return models


def test_lineage_reaches_the_base_through_every_parent(grown):
    lineage = grown.show("second")["lineage"]
    assert [ancestor["model"] for ancestor in lineage] == ["second", "first", "practice-base"]
    (stage,) = lineage[1]["stages"]
    assert stage["dataset"] == "plain-v2"
    assert [(share["teacher"], share["traces"], share["runs"]) for share in stage["teachers"]] == [
        ("a", 2, ["gather"]),
        ("b", 1, ["gather"]),
    ]


def test_grandchild_inherits_the_terms_of_what_its_parent_was_trained_on(grown):
    report = grown.show("second")
    assert report["commercial_use"] == "unknown"
    assert "b" in report["licence_verdict"]


def test_parent_that_the_project_does_not_know_ends_the_chain(studio):
    studio.models.register_student("orphan", parent="org/model")
    report = studio.models.show("orphan")
    assert [ancestor["kind"] for ancestor in report["lineage"]] == ["student", "elsewhere"]
    assert report["commercial_use"] == "unknown"
