"""Terms of a run's answers put right by a person, and taken back."""

import pytest
from sqlmodel import select

from studio.engine.errors import BadInput, NotFound
from studio.engine.models import Models
from studio.engine.store.tables import Operation, Stage, Trace


def terms_of(room) -> list[str]:
    with room.database.session() as session:
        return list(session.scalars(select(Trace.terms).order_by(Trace.id)))


@pytest.fixture
def mixed(room):
    room.write(("a", "1"), ("b", "2"), run="old", terms="unknown")
    room.write(("c", "3"), run="other", terms="unknown")
    return room


def test_restating_changes_one_run_and_says_who_and_what(mixed) -> None:
    operation = mixed.traces.restate_terms("old", "yes", note=" Section 4 ", by="ann")
    assert terms_of(mixed) == ["yes", "yes", "unknown"]
    assert (operation.changed, operation.by) == (2, "ann")
    said = {"run": "old", "terms": "yes", "note": "Section 4", "was": {"unknown": 2}}
    assert operation.detail == {**said, "filter": {"run": ["old"]}}
    assert mixed.traces.restate_terms("old", "yes").id is None


def test_undo_puts_each_trace_back_to_its_own_terms(mixed) -> None:
    with mixed.database.session() as session:
        session.exec(select(Trace)).first().terms = "no"
    mixed.traces.restate_terms("old", "research")
    assert terms_of(mixed) == ["research", "research", "unknown"]
    assert mixed.traces.undo().changed == 2
    assert terms_of(mixed) == ["no", "unknown", "unknown"]
    assert mixed.traces.undo() is None


def test_undo_of_one_person_leaves_what_another_restated_later(mixed) -> None:
    mixed.traces.restate_terms("old", "yes", by="ann")
    mixed.traces.restate_terms("old", "no", by="bob")
    assert mixed.traces.undo("ann").changed == 0
    assert terms_of(mixed)[:2] == ["no", "no"]


def test_a_label_and_a_restatement_are_undone_apart(mixed) -> None:
    mixed.traces.restate_terms("old", "yes", by="ann")
    mixed.traces.label([1], "keep", by="bob")
    assert mixed.traces.undo("ann").changed == 2
    assert terms_of(mixed)[0] == "unknown" and mixed.labels()[1][0] == "keep"


def test_wrong_terms_and_unknown_runs_change_nothing(mixed) -> None:
    for run, terms, fault in (("old", "maybe", BadInput), ("nobody", "yes", NotFound)):
        with pytest.raises(fault):
            mixed.traces.restate_terms(run, terms)
    with mixed.database.session() as session:
        assert session.exec(select(Operation)).first() is None


@pytest.fixture
def frozen(mixed, settings):
    """A student of a dataset of the run, and what is shown of it."""
    mixed.datasets.freeze("plain", run="old")
    models = Models(mixed.database, mixed.project_id, settings, mixed.artifacts)
    student = models.register_student("kid", parent="practice-base", state="ready")
    with mixed.database.session() as session:
        session.add(Stage(model_id=student.id, position=0, name="one", dataset="plain-v1"))
    return mixed, lambda: models.show("kid")


def test_verdict_tells_the_terms_at_freezing_and_those_now(frozen) -> None:
    room, show = frozen
    before = room.datasets.get("plain")
    assert show()["commercial_use"] == "unknown"

    room.traces.restate_terms("old", "yes", note="they answered us", by="ann")

    shown = show()
    assert shown["commercial_use"] == "yes"
    assert "When plain-v1 was frozen, the answers of ada were recorded as 'unknown'" in shown["licence_verdict"]
    assert "they are 'yes' now (restated for run old by ann on 20" in shown["licence_verdict"]
    assert "they answered us" in shown["licence_verdict"]
    (share,) = shown["lineage"][0]["stages"][0]["teachers"]
    assert (share["terms"], share["terms_frozen"], share["restated"][0]["by"]) == ("yes", "unknown", "ann")
    after = room.datasets.get("plain")
    assert (after.sha256, after.detail) == (before.sha256, before.detail)

    room.traces.undo()
    assert show()["commercial_use"] == "unknown" and "When plain-v1" not in show()["licence_verdict"]


def test_restating_before_freezing_is_no_difference_to_tell(mixed) -> None:
    mixed.traces.restate_terms("old", "yes")
    assert mixed.datasets.freeze("plain", run="old")["version"] == 1
    assert mixed.datasets.get("plain").detail["terms"] == {"yes": 2}


def test_command_restates_and_is_taken_back(run_cli, tmp_path) -> None:
    answers = tmp_path / "answers.jsonl"
    answers.write_text('{"prompt": "p", "response": "r"}\n')
    assert run_cli("traces", "import", answers, "--name", "old", "--teacher-name", "gpt").code == 0
    done = run_cli("traces", "restate-terms", "--run", "old", "--terms", "no", "--by", "ann", "--json")
    assert (done.code, done.json["changed"], done.json["was"]) == (0, 1, {"unknown": 1})
    assert run_cli("traces", "list", "--json").json["traces"][0]["terms"] == "no"
    assert run_cli("traces", "undo", "--json").json["changed"] == 1
    assert run_cli("traces", "list", "--json").json["traces"][0]["terms"] == "unknown"
    wrong = run_cli("traces", "restate-terms", "--run", "old", "--terms", "maybe", "--json")
    assert (wrong.code, wrong.out) == (2, "")
