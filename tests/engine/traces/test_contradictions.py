"""A dataset that answers one prompt in two ways, since the system messages that drew the answers out are erased."""

from typing import Any

from studio.engine.traces import TraceFilter, contradiction_sentence, freezing
from studio.engine.traces.contradictions import Contradictions

BRIEF = {"system_message_name": "brief", "system_message_text": "Be brief."}
LONG = {"system_message_name": "long", "system_message_text": "Explain.", "run": "second"}
NONE = {"prompts": 0, "rows": 0, "example": None}


def test_a_prompt_with_answers_under_two_erased_system_messages_is_counted_with_an_example(room: Any) -> None:
    room.write(("Q1", "4"), ("Q2", "5"), ("Q3", "same"), **BRIEF)
    room.write(("Q1", "2 and 2 are 4"), ("Q2", "2 and 3 are 5"), ("Q3", "same"), **LONG)
    found = room.datasets.freeze("both")["contradictions"]
    assert (found["prompts"], found["rows"]) == (2, 4)
    assert found["example"]["prompt"] == "Q1"
    assert found["example"]["answers"] == ["4", "2 and 2 are 4"]
    assert found["example"]["system_messages"] == ["brief", "long"]
    assert room.datasets.get("both").detail["contradictions"] == found
    assert "2 prompts have different answers" in contradiction_sentence(found)
    assert room.datasets.freeze("shown", keep_system_message=True)["contradictions"] == NONE
    one = TraceFilter.parse({"system_message": "long"})
    assert room.datasets.freeze("one", filter=one)["contradictions"] == NONE


def test_the_example_has_two_answers_also_where_a_thousand_say_the_same(room: Any) -> None:
    room.write(*[("Q1", "4")] * 1001, **BRIEF)
    room.write(("Q1", "2 and 2 are 4"), **LONG)
    found = room.datasets.freeze("both")["contradictions"]
    assert (found["prompts"], found["rows"]) == (1, 1002)
    assert found["example"]["answers"] == ["4", "2 and 2 are 4"]


def test_there_is_no_example_once_a_trace_of_it_is_gone(room: Any) -> None:
    found = Contradictions()
    for number, answer in enumerate(("4", "2 and 2 are 4"), 10**6):
        found.add(number, [{"role": "user", "content": "Q1"}, {"role": "assistant", "content": answer}], answer)
    with room.database.session() as session:
        report = found.report(session)
    assert report == {"prompts": 1, "rows": 2, "example": None}
    assert "1 prompts have different answers" in contradiction_sentence(report)


def test_several_answers_under_one_system_message_or_none_are_no_contradiction(room: Any) -> None:
    room.write(("Q1", "4"), ("Q1", "four"), **BRIEF)
    room.write(("Q2", "5"), ("Q2", "five"), run="second")
    assert room.datasets.freeze("d")["contradictions"] == NONE
    assert contradiction_sentence(NONE) == contradiction_sentence(None) == ""


def test_what_does_not_enter_contradicts_nothing(room: Any) -> None:
    ids = room.write(("Q1", "4"), **BRIEF)
    room.write(("Q1", "2 and 2 are 4"), **LONG)
    room.traces.label(ids, "reject")
    assert room.datasets.freeze("d")["contradictions"] == NONE


def test_a_freeze_that_goes_on_finds_what_stands_on_both_sides_of_the_break(room: Any, monkeypatch: Any) -> None:
    room.write(*[(f"Q{n}", "short") for n in range(8)], **BRIEF)
    room.write(*[(f"Q{n}", "long") for n in range(8)], **LONG)
    seen = []
    monkeypatch.setattr(freezing, "take", lambda row, rules, result, found: seen.append(row.id))
    state = type("State", (), {"cursor": 8, "contradictions": None})
    chosen = freezing.selected(room.database, room.project_id, TraceFilter())
    freezing._look_again(room.database, chosen, None, state)  # type: ignore[arg-type]
    assert seen == list(range(1, 9))
