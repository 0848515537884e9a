"""A teacher that is chatted with, measured or an arm of a study is asked through collecting, as its asker says."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import select

from studio.engine.errors import BadInput, Failed, TeacherFault
from studio.engine.inference.responder import Responder
from studio.engine.prompts import NewPrompt
from studio.engine.scoring import AnswerSettings, Question
from studio.engine.store.tables import Answer, Attempt, Run, StudyAnswer
from studio.engine.teachers.wire.endpoint import Endpoint
from studio.engine.teachers.wire.keys import NO_KEY

sys.path.append(str(Path(__file__).resolve().parents[1] / "teachers"))

from scripted import ScriptedTeacher, answering, refusing

DOLLAR_A_TOKEN = {"input_price": 0, "output_price": 1e6}


@pytest.fixture
def scripted() -> Iterator[Callable[..., ScriptedTeacher]]:
    started: list[ScriptedTeacher] = []

    def start(script: Callable[..., Any] = lambda _number, body: answering(body)) -> ScriptedTeacher:
        started.append(ScriptedTeacher(script))
        return started[-1]

    yield start
    for one in started:
        one.close()


def spent(studio: Any) -> dict[str, float]:
    return dict(studio.spending.spent().by_kind)


def test_a_chat_sends_nothing_that_nobody_gave_and_is_paid_for_once(studio: Any, scripted: Any) -> None:
    server = scripted()
    studio.teachers.add("t", server.base_url, "m", **DOLLAR_A_TOKEN)
    assert studio.inference.chat("t", "hi") == studio.inference.chat("t", "hi") == "Answer to: hi"
    assert server.bodies == [{"model": "m", "messages": [{"role": "user", "content": "hi"}]}]
    studio.inference.chat("t", "hi", fresh=True)
    studio.inference.chat("t", "hi", "Be brief.", parameters={"max_completion_tokens": 9})
    assert server.bodies[-1]["max_completion_tokens"] == 9 and len(server.bodies) == 3
    assert spent(studio) == {"chat": 30}


def test_a_chat_in_pieces_is_the_same_answer(studio: Any) -> None:
    studio.teachers.add_practice()
    heard: list[str | None] = []
    text = studio.inference.chat("practice-plain", "What is 12 + 39?", on_delta=heard.append)
    assert heard[0] is None and "".join(filter(None, heard)) == text


def test_a_chat_with_a_teacher_that_refuses_is_one_sentence(studio: Any, scripted: Any) -> None:
    studio.teachers.add("t", scripted(lambda _number, body: refusing(400, "No such thing.")).base_url, "m")
    with pytest.raises(TeacherFault, match="No such thing"):
        studio.inference.chat("t", "hi")
    with studio.database.session() as session:
        assert session.exec(select(Attempt.status)).all() == ["bad_request"]


def test_a_model_takes_no_other_parameters_than_it_has(studio: Any, tiny_gguf: Path) -> None:
    with pytest.raises(BadInput, match="not 'top_p'"):
        studio.inference.chat(str(tiny_gguf), "hi", parameters={"top_p": 1})


def test_measuring_a_teacher_is_a_hidden_run_and_its_samples_are_told_apart(studio: Any, scripted: Any) -> None:
    server = scripted(lambda number, body: answering(body, f"Answer {number}."))
    studio.teachers.add("t", server.base_url, "m", **DOLLAR_A_TOKEN)
    subject = studio.inference.subject("t")
    asked = [Question([{"role": "user", "content": "one"}], sample) for sample in (0, 1)]
    answers = studio.answers.ask(subject, asked, AnswerSettings(max_tokens=20))
    assert [answer.text for answer in answers] == ["Answer 0.", "Answer 1."]
    assert all(body["max_tokens"] == 20 and "seed" not in body for body in server.bodies)
    assert spent(studio) == {"score": 20}


def test_only_models_of_this_machine_are_asked_directly() -> None:
    endpoint = Endpoint("T", "https://api.example.com/v1", "m", NO_KEY, timeout=1, concurrency=1)
    with pytest.raises(ValueError, match="this machine"):
        Responder(endpoint, lambda: None)


# --- studies


def recorded(studio: Any, tmp_path: Path) -> Path:
    """A file that answers the six prompts of the source `quiz`."""
    file = tmp_path / "recorded.jsonl"
    rows = [{"prompt": f"Question {number}?", "response": f"recorded {number}"} for number in range(6)]
    file.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    if not studio.prompts.sources():
        studio.prompts.add("quiz", "import", [NewPrompt(text=row["prompt"]) for row in rows])
    return file


def study(studio: Any, tmp_path: Path, name: str, **options: Any) -> dict[str, Any]:
    file = recorded(studio, tmp_path)
    return dict(studio.studies.create(name, "t", str(file), "quiz", **{"items": 4, "seed": 1, **options}))


def test_a_teacher_in_a_study_is_an_attempt_and_paid_for_once(studio: Any, scripted: Any, tmp_path: Path) -> None:
    server = scripted()
    studio.teachers.add("t", server.base_url, "m", **DOLLAR_A_TOKEN)
    given = {"first": {"max_tokens": 20}}
    assert study(studio, tmp_path, "a", parameters=given)["items"] == 4
    assert spent(studio) == {"study": 40}
    assert all(body["max_tokens"] == 20 and "temperature" not in body for body in server.bodies)
    study(studio, tmp_path, "b", parameters=given)
    assert len(server.bodies) == 4 and spent(studio) == {"study": 40}
    study(studio, tmp_path, "c", parameters={"first": {"max_tokens": 30}})
    assert len(server.bodies) == 8 and spent(studio) == {"study": 80}
    with studio.database.session() as session:
        assert session.exec(select(Attempt.status)).all() == ["answered"] * 8
        assert set(session.exec(select(Run.kind))) == {"study"}


def test_what_a_teacher_said_in_a_study_is_not_asked_again_elsewhere_nor_the_reverse(
    studio: Any, scripted: Any, tmp_path: Path
) -> None:
    server = scripted()
    studio.teachers.add("t", server.base_url, "m", **DOLLAR_A_TOKEN)
    parameters = {"max_tokens": 20, "top_p": 0.5}
    questions = [Question([{"role": "user", "content": f"Question {number}?"}]) for number in range(6)]
    settings = AnswerSettings.given(parameters)
    before = studio.answers.ask(studio.inference.subject("t"), questions[:3], settings)
    assert study(studio, tmp_path, "a", items=6, parameters={"first": parameters})["items"] == 6
    after = studio.answers.ask(studio.inference.subject("t"), questions, settings)
    assert [answer.id for answer in after[:3]] == [answer.id for answer in before]
    assert len(server.bodies) == 6 and all(body["top_p"] == 0.5 for body in server.bodies)
    with studio.database.session() as session:
        links = {row.answer_id for row in session.exec(select(StudyAnswer).where(StudyAnswer.arm == 0))}
    assert links == {answer.id for answer in after}


def test_a_stop_while_a_teacher_answers_keeps_what_it_has_sent_and_the_rest_is_asked_later(
    studio: Any, scripted: Any, tmp_path: Path
) -> None:
    is_seen = threading.Event()

    def answer(number: int, body: dict[str, Any]) -> Any:
        assert number < 2 or is_seen.wait(60), "the third question is answered once the stop was seen"
        return answering(body)

    def should_stop() -> bool:
        if len(server.bodies) > 2:
            is_seen.set()
        return is_seen.is_set()

    server = scripted(answer)
    studio.teachers.add("t", server.base_url, "m", concurrency=1, **DOLLAR_A_TOKEN)
    assert study(studio, tmp_path, "a", items=6, should_stop=should_stop)["items"] == 0
    sent = len(server.bodies)
    assert studio.studies.get("a").state == "preparing" and 2 <= sent < 6
    with studio.database.session() as session:
        assert len(session.exec(select(Answer)).all()) == sent
    assert study(studio, tmp_path, "a", items=6)["items"] == 6
    assert len(server.bodies) == len({body["messages"][-1]["content"] for body in server.bodies}) == 6


KILLED = """
import sys
from studio.engine.settings import Settings
from studio.engine.studio import open_studio
studio = open_studio(Settings())
study = studio.studies.start("a", "t", sys.argv[1], "quiz", items=6, seed=1)
studio.studies.prepare(study.payload["study_id"])
"""


def test_a_study_killed_while_a_teacher_answers_has_lost_only_what_was_in_flight(
    studio: Any, scripted: Any, tmp_path: Path
) -> None:
    process: list[subprocess.Popen[bytes]] = []

    def answer(number: int, body: dict[str, Any]) -> Any:
        if number == 3:
            process[0].kill()
            process[0].wait()
        return answering(body)

    server = scripted(answer)
    studio.teachers.add("t", server.base_url, "m", concurrency=1, **DOLLAR_A_TOKEN)
    recorded(studio, tmp_path)
    settings = studio.settings
    given = {"UNDERSTUDY_WORKSPACE": str(settings.workspace), "UNDERSTUDY_DATABASE_URL": settings.database_url}
    arguments = [sys.executable, "-c", KILLED, str(tmp_path / "recorded.jsonl")]
    process.append(subprocess.Popen(arguments, env={**os.environ, **given}))
    assert process[0].wait(timeout=120) == -9
    with studio.database.session() as session:
        assert len(session.exec(select(Answer.text).where(Answer.output_tokens > 0)).all()) == 3
    studio.jobs.run_here(studio.jobs.list("queued")[0].id)
    assert studio.studies.describe("a")["items"] == 6
    asked = [body["messages"][-1]["content"] for body in server.bodies]
    assert len(asked) == 7 and len(set(asked)) == 6


def test_a_projects_budget_stops_a_study_which_goes_on_when_it_is_raised(
    studio: Any, scripted: Any, tmp_path: Path
) -> None:
    server = scripted()
    studio.teachers.add("t", server.base_url, "m", concurrency=1, **DOLLAR_A_TOKEN)
    studio.spending.set_budget(25)
    given = {"first": {"max_tokens": 10}}
    with pytest.raises(Failed, match="project's budget of"):
        study(studio, tmp_path, "a", parameters=given)
    assert (studio.studies.get("a").state, len(server.bodies)) == ("failed", 2)
    studio.spending.set_budget(None)
    assert study(studio, tmp_path, "a", parameters=given)["items"] == 4
    assert len(server.bodies) == 4 and spent(studio) == {"study": 40}
