"""Teachers that live on this machine, and the recorded answers they serve."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from collecting_rooms import Rooms

from studio.engine.errors import BadInput, TeacherFault
from studio.engine.practice.protocol import Question
from studio.engine.practice.refusal import Refusal
from studio.engine.teachers.local import replay_of, replay_url, served
from studio.engine.teachers.replay import Recording, read_mapping, replay_app

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write(*rows: dict[str, Any] | str, name: str = "answers.jsonl") -> Path:
        path = tmp_path / name
        path.write_text("".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows), "utf-8")
        return path

    return write


def test_an_address_of_recordings_names_file_and_columns(tmp_path: Path) -> None:
    path = tmp_path / "a file & more.jsonl"
    mapping = {"prompt": "question", "response": "gold.text"}
    assert replay_of(replay_url(path, mapping)) == (path.resolve(), mapping)


def test_a_recording_is_served_while_it_is_needed_and_no_longer(write: Write) -> None:
    path = write({"q": "Why?", "a": {"text": "Because."}})
    body = {"model": "any", "messages": [{"role": "user", "content": " Why? "}]}
    with served(replay_url(path, {"prompt": "q", "response": "a.text"})) as base_url:
        reply = httpx.post(f"{base_url}/chat/completions", json=body, trust_env=False)
        assert reply.json()["choices"][0]["message"]["content"] == "Because."
        body["messages"][0]["content"] = "Who?"
        unknown = httpx.post(f"{base_url}/chat/completions", json=body, trust_env=False)
        assert unknown.status_code == 404
        assert unknown.json()["error"]["code"] == "no_recorded_answer"
        assert "Who?" in unknown.json()["error"]["message"]
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{base_url}/models", trust_env=False)


def test_an_address_over_http_is_its_own() -> None:
    with served("https://api.example.com/v1") as base_url:
        assert base_url == "https://api.example.com/v1"


def test_a_recording_that_is_gone_says_so(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="not there"), served(replay_url(tmp_path / "gone.jsonl")):
        pass


def test_a_recording_that_cannot_be_read_gives_its_reason(write: Write) -> None:
    with (
        pytest.raises(TeacherFault, match="line 2 is not valid JSON"),
        served(replay_url(write({"prompt": "a", "response": "b"}, "{"))),
    ):
        pass


def test_collecting_from_a_recording_needs_no_server_of_ones_own(rooms: Rooms, write: Write) -> None:
    path = write(*({"prompt": f"Question number {number}?", "response": f"Answer {number}"} for number in range(5)))
    rooms.teachers.add("recorded", replay_url(path), "replay")
    rooms.add_prompts(6)
    report = rooms.collect("recorded")
    assert (report["completed"], report["failed"]) == (5, 1)


def test_several_answers_to_a_prompt_are_told_apart_by_system_message_and_model(write: Write) -> None:
    recording = Recording(write(
        {"prompt": "Why?", "response": "plain", "model": "a"},
        {"prompt": "Why?", "response": "short", "system_message": "Be brief.", "model": "a"},
        {"prompt": "Why?", "response": "other", "model": "b"},
    ))  # fmt: skip
    assert recording.models == ["a", "b"]
    assert recording.answer(Question("a", "", "Why?")) == "plain"
    assert recording.answer(Question("a", "Be brief.", "Why?")) == "short"
    assert recording.answer(Question("a", "Unknown manner.", "Why?")) == "plain"
    assert recording.answer(Question("b", "", "Why?")) == "other"


def test_an_answer_recorded_under_another_system_message_is_not_passed_off(write: Write) -> None:
    recording = Recording(write({"prompt": "Why?", "response": "short", "system_message": "Be brief."}))
    with pytest.raises(Refusal, match="under this system message"):
        recording.answer(Question("replay", "", "Why?"))


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([], "holds no recorded answer"),
        ([{"question": "a", "answer": "b"}], "columns prompt, response"),
        (["not json"], "line 1 is not valid JSON"),
    ],
)
def test_a_file_without_answers_is_refused(write: Write, rows: list[Any], said: str) -> None:
    with pytest.raises(BadInput, match=said):
        replay_app(write(*rows))


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="cannot be read"):
        replay_app(tmp_path / "no.jsonl")


def test_a_mapping_is_read_and_checked() -> None:
    assert read_mapping("prompt=question,response=gold.text") == {"prompt": "question", "response": "gold.text"}
    for wrong in ("prompt", "answer=x", "prompt="):
        with pytest.raises(BadInput, match="--map"):
            read_mapping(wrong)
