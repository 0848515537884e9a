"""Reading replies, good and bad."""

import json
from typing import Any

import pytest

from studio.engine.teachers.wire.faults import RETRIED, Fault
from studio.engine.teachers.wire.reply import error_in, packed, read_reply, unpacked

ASKED = [{"role": "user", "content": "Why is the sky blue?"}]


def body(message: dict[str, Any], **rest: Any) -> bytes:
    return json.dumps({"model": "m", "choices": [{"message": message, "finish_reason": "stop"}], **rest}).encode()


def test_text_reasoning_counts_and_names_are_read() -> None:
    raw = body(
        {"role": "assistant", "content": "Rayleigh.", "reasoning_content": "Light scatters."},
        usage={"prompt_tokens": 7, "completion_tokens": 3}, system_fingerprint="fp_1",
    )  # fmt: skip
    answer = read_reply("The teacher", raw, ASKED)
    assert (answer.text, answer.reasoning, answer.finish_reason) == ("Rayleigh.", "Light scatters.", "stop")
    assert (answer.input_tokens, answer.output_tokens) == (7, 3)
    assert (answer.returned_model, answer.system_fingerprint) == ("m", "fp_1")


def test_tokens_are_estimated_where_a_teacher_counts_none() -> None:
    answer = read_reply("The teacher", body({"content": "x" * 400}), ASKED)
    assert answer.output_tokens == 100
    assert answer.input_tokens > 5


def test_content_in_parts_and_refusals_are_text() -> None:
    parts = [{"type": "text", "text": "one "}, {"type": "text", "text": "two"}]
    assert read_reply("T", body({"content": parts}), ASKED).text == "one two"
    assert read_reply("T", body({"content": None, "refusal": "I will not."}), ASKED).text == "I will not."
    assert read_reply("T", body({"content": None}), ASKED).text == ""


def test_text_that_no_database_keeps_is_cleaned() -> None:
    assert read_reply("T", body({"content": "a\x00b\ud800c"}), ASKED).text == "ab?c"


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"<!DOCTYPE html><html><body>Sign in</body></html>", "a web page (HTML)"),
        (b"", "nothing"),
        (b"upstream sent garbage", "upstream sent garbage"),
        (b'{"choices": []}', "no chat completion"),
        (b'{"choices": [{"text": "old"}]}', "no chat completion"),
        (b"[1, 2]", "no chat completion"),
        (b"\xff\xfe\x00", "not JSON"),
    ],
)
def test_what_is_no_answer_is_malformed_and_said_so(raw: bytes, said: str) -> None:
    with pytest.raises(Fault) as caught:
        read_reply("The teacher 'x'", raw, ASKED)
    assert caught.value.kind == "malformed"
    assert said in caught.value.text
    assert caught.value.text.startswith("The teacher 'x' ")


def test_an_error_behind_status_200_is_an_error() -> None:
    with pytest.raises(Fault) as caught:
        read_reply("T", b'{"error": {"message": "Slow down", "code": 429}}', ASKED)
    assert caught.value.kind == "rate_limited"


@pytest.mark.parametrize(
    ("choice", "rest", "kind", "is_retried"),
    [
        ({"finish_reason": "error", "error": {"code": 502, "message": "upstream went away"}}, {}, "server_error", True),
        ({"finish_reason": "error", "error": {"code": 429, "message": "slow down"}}, {}, "rate_limited", True),
        ({"finish_reason": "stop", "error": {"code": 403, "message": "moderated"}}, {}, "not_allowed", False),
        ({"finish_reason": "error", "error": "upstream went away"}, {}, "server_error", True),
        ({"finish_reason": "error"}, {}, "server_error", True),
        ({"finish_reason": None}, {"error": {"code": 502, "message": "upstream went away"}}, "server_error", True),
    ],
)
def test_a_failure_inside_a_choice_is_a_fault_with_its_cost_and_no_answer(
    choice: dict[str, Any], rest: dict[str, Any], kind: str, is_retried: bool
) -> None:
    message = {"role": "assistant", "content": "The first half of an ans"}
    usage = {"prompt_tokens": 5, "completion_tokens": 6}
    raw = json.dumps({"model": "m", "choices": [{"message": message, **choice}], "usage": usage, **rest}).encode()
    with pytest.raises(Fault) as caught:
        read_reply("T", raw, ASKED)
    assert (caught.value.kind, caught.value.kind in RETRIED) == (kind, is_retried)
    assert (caught.value.input_tokens, caught.value.output_tokens) == (5, 6)


def test_an_empty_error_beside_an_answer_is_none() -> None:
    raw = json.dumps(
        {"error": {}, "choices": [{"message": {"content": "Yes."}, "finish_reason": "stop", "error": None}]}
    )
    assert read_reply("T", raw.encode(), ASKED).text == "Yes."


@pytest.mark.parametrize(
    ("raw", "found"),
    [
        (b'{"error": {"message": "No such model", "code": "model_not_found"}}', ("No such model", "model_not_found")),
        (b'{"detail": "Not Found"}', ("Not Found", "")),
        (b'{"error": "bad"}', ("bad", "")),
        (b"<html>Bad gateway</html>", ("", "")),
        (b"plain words", ("plain words.", "")),
    ],
)
def test_errors_of_many_shapes_give_their_message(raw: bytes, found: tuple[str, str]) -> None:
    assert error_in(raw) == found


def test_a_reply_is_stored_smaller_and_comes_back_whole() -> None:
    raw = body({"content": "again and " * 200})
    assert len(packed(raw)) < len(raw) / 4
    assert unpacked(packed(raw)) == raw
