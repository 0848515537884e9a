"""Teachers that live on this machine, and the recorded answers they serve."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import httpx
import pytest
from collecting_rooms import Rooms

from studio.engine.errors import BadInput, NotAllowed, TeacherFault
from studio.engine.practice.protocol import AskedQuestion
from studio.engine.practice.refusal import Refusal
from studio.engine.settings import Settings
from studio.engine.teachers import Teachers
from studio.engine.teachers.local import REPLAY, replay_of, served
from studio.engine.teachers.replay import Recording, read_mapping, replay_app

Write = Callable[..., Path]


def replay_url(path: Path, mapping: dict[str, str] | None = None) -> str:
    """`replay:///abs/file.jsonl?prompt=COLUMN&response=COLUMN`, as a person would write it."""
    query = f"?{urlencode(mapping)}" if mapping else ""
    return f"{REPLAY}{quote(path.resolve().as_posix(), safe='/:')}{query}"


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write(*rows: dict[str, Any] | str, name: str = "answers.jsonl") -> Path:
        path = tmp_path / name
        path.write_text("".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows), "utf-8")
        return path

    return write


def test_an_address_of_recordings_names_file_and_columns(settings: Settings, tmp_path: Path) -> None:
    path = tmp_path / "a file & more.jsonl"
    mapping = {"prompt": "question", "response": "gold.text"}
    assert replay_of(replay_url(path, mapping), settings) == (path.resolve(), mapping)


def test_a_recording_is_served_while_it_is_needed_and_no_longer(settings: Settings, write: Write) -> None:
    path = write({"q": "Why?", "a": {"text": "Because."}})
    body = {"model": "any", "messages": [{"role": "user", "content": " Why? "}]}
    with served(replay_url(path, {"prompt": "q", "response": "a.text"}), settings) as base_url:
        reply = httpx.post(f"{base_url}/chat/completions", json=body, trust_env=False)
        assert reply.json()["choices"][0]["message"]["content"] == "Because."
        body["messages"][0]["content"] = "Who?"
        unknown = httpx.post(f"{base_url}/chat/completions", json=body, trust_env=False)
        assert unknown.status_code == 404
        assert unknown.json()["error"]["code"] == "no_recorded_answer"
        assert "Who?" in unknown.json()["error"]["message"]
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{base_url}/models", trust_env=False)


def test_an_address_over_http_is_its_own(settings: Settings) -> None:
    with served("https://api.example.com/v1", settings) as base_url:
        assert base_url == "https://api.example.com/v1"


def test_a_recording_that_is_gone_says_so(settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="not there"), served(replay_url(tmp_path / "gone.jsonl"), settings):
        pass


def test_a_recording_that_cannot_be_read_gives_its_reason(settings: Settings, write: Write) -> None:
    with (
        pytest.raises(TeacherFault, match="line 2 is not valid JSON"),
        served(replay_url(write({"prompt": "a", "response": "b"}, "{")), settings),
    ):
        pass


def test_a_recording_in_the_workspace_is_named_from_there(rooms: Rooms, write: Write) -> None:
    outside = write({"prompt": "a", "response": "b"})
    inside = rooms.settings.workspace / "my answers.jsonl"
    inside.write_bytes(outside.read_bytes())
    for name, given, kept in (
        ("inside", f"{replay_url(inside)}?prompt=prompt", "replay://my%20answers.jsonl?prompt=prompt"),
        ("again", "replay://my%20answers.jsonl", "replay://my%20answers.jsonl"),
        ("outside", replay_url(outside), replay_url(outside)),
    ):
        teacher = rooms.teachers.add(name, given, "replay")
        assert teacher.base_url == kept
        assert rooms.teachers.update(name, concurrency=2).base_url == kept
    with served(rooms.teachers.get("inside"), rooms.settings) as base_url:
        assert httpx.get(f"{base_url}/models", trust_env=False).status_code == 200


def test_a_recording_is_read_only_where_users_may_name_files(rooms: Rooms, write: Write) -> None:
    path = write({"prompt": "a", "response": "b"})
    (rooms.settings.workspace / "private.jsonl").write_bytes(path.read_bytes())
    hosted = rooms.settings.model_copy(update={"allowed_roots": str(rooms.settings.workspace / "shared")})
    teachers = Teachers(rooms.database, rooms.project_id, hosted, rooms.asking)
    for address in (replay_url(path), "replay://private.jsonl", "replay:///etc/passwd"):
        with pytest.raises(NotAllowed):
            teachers.add("recorded", address, "replay")
        with pytest.raises(NotAllowed), served(address, hosted):
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
    assert recording.answer(AskedQuestion("a", "", "Why?")) == "plain"
    assert recording.answer(AskedQuestion("a", "Be brief.", "Why?")) == "short"
    assert recording.answer(AskedQuestion("a", "Unknown choice.", "Why?")) == "plain"
    assert recording.answer(AskedQuestion("b", "", "Why?")) == "other"


def test_an_answer_recorded_under_another_system_message_is_not_passed_off(write: Write) -> None:
    recording = Recording(write({"prompt": "Why?", "response": "short", "system_message": "Be brief."}))
    with pytest.raises(Refusal, match="under this system message"):
        recording.answer(AskedQuestion("replay", "", "Why?"))


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([], "is empty: there is no row in it"),
        ([{"question": "a", "answer": "b"}], "columns prompt, response"),
        (["not json"], "line 1 is not valid JSON"),
    ],
)
def test_a_file_without_answers_is_refused(write: Write, rows: list[Any], said: str) -> None:
    with pytest.raises(BadInput, match=said):
        replay_app(write(*rows))


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"There is no file .* Check the path"):
        replay_app(tmp_path / "no.jsonl")


def test_a_mapping_is_read_and_checked() -> None:
    assert read_mapping("prompt=question,response=gold.text") == {"prompt": "question", "response": "gold.text"}
    for wrong in ("prompt", "answer=x", "prompt="):
        with pytest.raises(BadInput, match="--map"):
            read_mapping(wrong)
