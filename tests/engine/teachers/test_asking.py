"""The one way to ask: a hidden run that is paid for, limited and kept like any run, and shown among nobody's runs."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from collecting_rooms import HURRIED, Rooms
from scripted import Reply, ScriptedTeacher, answering, asked, refusing
from sqlmodel import select

from studio.engine.domain.states import RunState
from studio.engine.errors import BadInput, Failed, NotFound, Stopped
from studio.engine.overview import overview_of
from studio.engine.store.tables import Attempt, PromptSource, Request, Run, Trace
from studio.engine.studio import studio_in
from studio.engine.teachers.asking import Asked, AskOptions, Purpose
from studio.engine.teachers.runs.pacer import Pacer
from studio.engine.traces.filters import run_id

Start = Callable[..., ScriptedTeacher]
Messages = list[dict[str, Any]]
PRICED = {"input_price": 0, "output_price": 1e6}
"""A dollar a token of the answer."""
QUICKLY = AskOptions(HURRIED)


def turn(text: str, system: str = "") -> Messages:
    told = [{"role": "system", "content": system}] if system else []
    return [*told, {"role": "user", "content": text}]


def ask(rooms: Rooms, *texts: str, teacher: str = "scripted", **options: Any) -> list[Asked]:
    options = {"options": QUICKLY, **options}
    parameters = options.pop("parameters", None)
    questions = [turn(text) for text in texts]
    return rooms.asking.ask(rooms.teachers.get(teacher), questions, parameters, Purpose.CHAT, **options)


def runs(rooms: Rooms) -> list[Run]:
    with rooms.database.session() as session:
        return list(session.exec(select(Run).order_by(Run.id)))  # type: ignore[arg-type]


def attempts(rooms: Rooms) -> list[str]:
    with rooms.database.session() as session:
        return list(session.exec(select(Attempt.status).order_by(Attempt.id)))  # type: ignore[arg-type]


def test_each_answer_is_an_attempt_and_counts_in_spending(rooms: Rooms, scripted: Start) -> None:
    rooms.add_teacher(scripted().base_url, **PRICED)
    one, two = ask(rooms, "one", "two")
    assert (one.text, two.text) == ("Answer to: one", "Answer to: two")
    assert (one.cost_usd, one.reused, one.fault) == (10, False, None)
    (run,) = runs(rooms)
    assert (run.kind, run.state, run.completed, run.cost_usd) == ("chat", RunState.DONE, 2, 20)
    assert attempts(rooms) == ["answered"] * 2
    assert overview_of(rooms.database, rooms.project_id).spent_usd == 20
    assert studio_in(rooms.database).spending.spent().by_kind == {"chat": 20}


def test_it_is_shown_among_no_runs_prompts_or_traces(rooms: Rooms, scripted: Start) -> None:
    rooms.add_teacher(scripted().base_url)
    ask(rooms, "one")
    (run,) = runs(rooms)
    assert rooms.collecting.runs() == [] and rooms.prompts.sources() == []
    with pytest.raises(NotFound):
        rooms.collecting.get(run.name)
    studio = studio_in(rooms.database)
    counts = studio.overview().counts
    assert (counts["collect"], counts["prompts"], counts["traces"]) == (0, 0, 0)
    assert all(one.kind not in ("collect", "prompts") for one in studio.overview().recent)
    with rooms.database.session() as session:
        assert session.exec(select(Trace)).first() is None
    with rooms.database.session() as session, pytest.raises(NotFound) as refused:
        run_id(session, rooms.project_id, "nobody's")
    assert run.name not in str(refused.value)


def test_what_is_sent_are_the_messages_and_the_parameters_that_were_given(rooms: Rooms, scripted: Start) -> None:
    server = scripted()
    teacher = rooms.add_teacher(server.base_url)
    talk = [
        {"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hello."},
        {"role": "assistant", "content": "Hello!"}, {"role": "user", "content": "Bye."},
    ]  # fmt: skip
    rooms.asking.ask(teacher, [talk], {"reasoning_effort": "low"}, Purpose.CHAT)
    rooms.asking.ask(teacher, [turn("Plainly.")], None, Purpose.CHAT)
    assert server.bodies == [
        {"model": "scripted-model", "messages": talk, "reasoning_effort": "low"},
        {"model": "scripted-model", "messages": turn("Plainly.")},
    ]


def test_a_question_asked_before_costs_nothing_whoever_asked_it(rooms: Rooms, scripted: Start) -> None:
    server = scripted()
    rooms.add_teacher(server.base_url, **PRICED)
    rooms.add_prompts(1)
    rooms.collect()
    (again,) = ask(rooms, "Question number 0?")
    assert (again.text, again.reused, again.cost_usd) == ("Answer to: Question number 0?", True, 0)
    (other,) = ask(rooms, "Question number 0?", parameters={"temperature": 1})
    assert not other.reused
    ask(rooms, "new")
    rooms.prompts.add("new", "import", [_prompt("new")])
    report = rooms.collect(prompts="new")
    assert (report["reused"], report["cost_usd"]) == (1, 0)
    assert len(server.bodies) == 3


def test_the_same_question_twice_at_once_is_asked_once(rooms: Rooms, scripted: Start) -> None:
    server = scripted()
    rooms.add_teacher(server.base_url, **PRICED)
    told: list[int] = []
    one, two = ask(rooms, "one", "one", on_answer=lambda place, _: told.append(place))
    assert one.text == two.text and len(server.bodies) == 1 and told == [0]


def test_fresh_takes_the_next_sample_and_pays_once(rooms: Rooms, scripted: Start) -> None:
    rooms.add_teacher(scripted(lambda number, body: answering(body, f"Answer {number}.")).base_url, **PRICED)
    assert [ask(rooms, "one", fresh=True)[0].text for _ in range(3)] == ["Answer 0.", "Answer 1.", "Answer 2."]
    assert ask(rooms, "one")[0].text == "Answer 0."
    assert {one.text for one in ask(rooms, "one", "one", fresh=True)} == {"Answer 3.", "Answer 4."}
    with rooms.database.session() as session:
        assert sorted(session.exec(select(Request.sample))) == [0, 1, 2, 3, 4]
    assert sum(run.cost_usd for run in runs(rooms)) == 50


def test_samples_are_told_apart(rooms: Rooms, scripted: Start) -> None:
    rooms.add_teacher(scripted(lambda number, body: answering(body, f"Answer {number}.")).base_url, concurrency=1)
    first = ask(rooms, "one", "one", samples=[0, 1])
    assert {one.text for one in first} == {"Answer 0.", "Answer 1."}
    assert [one.text for one in ask(rooms, "one", "one", samples=[0, 1])] == [one.text for one in first]


def test_a_fault_is_in_its_place_and_the_others_are_answered(rooms: Rooms, scripted: Start) -> None:
    server = scripted(lambda _number, body: refusing(400) if asked(body) == "bad" else answering(body))
    rooms.add_teacher(server.base_url, concurrency=1)
    good, bad = ask(rooms, "good", "bad")
    assert good.text and bad.fault is not None and bad.fault.kind == "bad_request"
    assert sorted(attempts(rooms)) == ["answered", "bad_request"]


def test_what_passes_by_itself_is_asked_again(rooms: Rooms, scripted: Start) -> None:
    rooms.add_teacher(scripted(lambda number, body: refusing(500) if number < 2 else answering(body)).base_url)
    (one,) = ask(rooms, "one")
    assert one.text and attempts(rooms) == ["server_error", "server_error", "answered"]


def test_a_teacher_that_cannot_be_reached_says_so_for_every_question(rooms: Rooms) -> None:
    rooms.add_teacher("http://127.0.0.1:9/v1")
    assert [one.fault and one.fault.kind for one in ask(rooms, "one", "two")] == ["unreachable", "unreachable"]


def test_a_missing_key_changes_nothing(rooms: Rooms, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_SUCH_KEY", raising=False)
    rooms.add_teacher("http://127.0.0.1:9/v1", api_key_env="NO_SUCH_KEY")
    with pytest.raises(BadInput, match="NO_SUCH_KEY"):
        ask(rooms, "one")
    assert runs(rooms) == []


@pytest.mark.parametrize("question", [[], turn(""), turn("half \ud800")])
def test_a_question_that_cannot_be_sent_changes_nothing(rooms: Rooms, question: Messages) -> None:
    teacher = rooms.add_teacher("http://127.0.0.1:9/v1")
    with pytest.raises(BadInput, match="The question"):
        rooms.asking.ask(teacher, [question], None, Purpose.CHAT)
    with rooms.database.session() as session:
        assert session.exec(select(PromptSource)).first() is None


def test_a_budget_of_its_own_stops_it_and_keeps_what_was_answered(rooms: Rooms, scripted: Start) -> None:
    server = scripted()
    rooms.add_teacher(server.base_url, concurrency=1, **PRICED)
    with pytest.raises(Failed, match="budget"):
        ask(rooms, "one", "two", "three", parameters={"max_tokens": 10}, options=AskOptions(HURRIED, budget_usd=20))
    assert len(server.bodies) == 2
    assert [one.reused for one in ask(rooms, "one", "two", parameters={"max_tokens": 10})] == [True, True]


def test_many_askings_in_a_row_keep_to_the_limit_of_their_key(
    rooms: Rooms, scripted: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    remembered: list[list[float]] = []
    monkeypatch.setattr(Pacer, "remember", lambda _, past: remembered.append([tokens for _, tokens in past]))
    rooms.add_teacher(scripted().base_url, rpm=3000)
    rooms.add_teacher(scripted().base_url, "other", rpm=3000)
    ask(rooms, "one")
    ask(rooms, "two")
    ask(rooms, "three", teacher="other")
    assert remembered == [[], [20], []], "the other teacher has an address, and so a limit, of its own"


def test_what_went_out_before_is_waited_for() -> None:
    pacer = Pacer(30, clock=lambda: 100.0)
    pacer.remember([(1.5, 20), (0.0, 20)])
    assert 1.5 < pacer.wait() < 4
    late = Pacer(30, clock=lambda: 100.0)
    late.remember([(59.0, 20)])
    assert late.wait() == 0


def test_stopping_keeps_what_was_answered_and_records_what_was_given_up(rooms: Rooms, scripted: Start) -> None:
    server = scripted(lambda _number, body: answering(body, late=0 if asked(body) == "quick" else 30))
    rooms.add_teacher(server.base_url, **PRICED)
    arrived: list[int] = []
    with pytest.raises(Stopped):
        ask(rooms, "quick", "slow", on_answer=lambda place, _: arrived.append(place), should_stop=lambda: bool(arrived))
    assert arrived == [0] and attempts(rooms) == ["answered", "left"]
    assert [run.cost_usd for run in runs(rooms)] == [10]
    assert ask(rooms, "quick")[0].reused


# --- streaming


def in_pieces(body: dict[str, Any], *pieces: str, ends: bool = True) -> Reply:
    def event(delta: dict[str, str], finish: str | None = None) -> dict[str, Any]:
        return {"model": body["model"], "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}

    events = [event({"role": "assistant", "content": ""}), *(event({"content": piece}) for piece in pieces)]
    if ends:
        events += [event({}, "stop"), {"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 7}}]
    lines = [f"data: {json.dumps(one)}\n\n" for one in events] + (["data: [DONE]\n\n"] if ends else [])
    return Reply(body="".join(lines), headers={"content-type": "text/event-stream"})


def test_an_answer_is_streamed_and_kept_as_a_whole(rooms: Rooms, scripted: Start) -> None:
    server = scripted(lambda _number, body: in_pieces(body, "Hel", "lo, ", "wörld"))
    rooms.add_teacher(server.base_url, **PRICED)
    heard: list[str | None] = []
    (one,) = ask(rooms, "hi", on_delta=lambda _, text: heard.append(text))
    assert heard == [None, "Hel", "lo, ", "wörld"]
    assert (one.text, one.finish_reason, one.input_tokens, one.cost_usd) == ("Hello, wörld", "stop", 3, 7)
    assert server.bodies[0]["stream"] is True
    (again,) = ask(rooms, "hi")
    assert (again.text, again.reused) == ("Hello, wörld", True)


def test_a_teacher_that_does_not_stream_answers_in_one_piece(rooms: Rooms, scripted: Start) -> None:
    server = scripted(lambda _number, body: refusing(400, "no streaming") if "stream" in body else answering(body))
    rooms.add_teacher(server.base_url)
    heard: list[str | None] = []
    assert ask(rooms, "hi", on_delta=lambda _, text: heard.append(text))[0].text == "Answer to: hi"
    assert heard == [None]


def test_a_stream_that_breaks_off_is_begun_anew_and_its_cost_counted_once(rooms: Rooms, scripted: Start) -> None:
    server = scripted(
        lambda number, body: in_pieces(body, "x" * 40, ends=False) if number == 0 else in_pieces(body, "whole")
    )
    rooms.add_teacher(server.base_url, **PRICED)
    heard: list[str | None] = []
    (one,) = ask(rooms, "hi", on_delta=lambda _, text: heard.append(text))
    assert heard == [None, "x" * 40, None, "whole"]
    assert (one.text, one.cost_usd) == ("whole", 7)
    assert attempts(rooms) == ["unreachable", "answered"]
    assert runs(rooms)[0].cost_usd == 10 + 7, "what was streamed of the first is paid for"


def test_a_practice_teacher_streams(rooms: Rooms) -> None:
    rooms.teachers.add_practice()
    heard: list[str | None] = []
    (one,) = ask(rooms, "What is 12 + 39?", teacher="practice-plain", on_delta=lambda _, text: heard.append(text))
    assert "51" in one.text and "".join(filter(None, heard)) == one.text and len(heard) > 2


def _prompt(text: str) -> Any:
    from studio.engine.prompts.record import NewPrompt

    return NewPrompt(text=text)
