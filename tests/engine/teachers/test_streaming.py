"""An answer that comes in pieces is put together as the reply that it would have been in one."""

import json
from typing import Any

import pytest

from studio.engine.teachers.wire.faults import Fault
from studio.engine.teachers.wire.keys import NO_KEY
from studio.engine.teachers.wire.reply import read_reply
from studio.engine.teachers.wire.streaming import StreamedReply

ASKED = [{"role": "user", "content": "Why?"}]
KEY = "sk-very-secret-key"


def event(delta: dict[str, Any] | None = None, finish: str | None = None, **rest: Any) -> bytes:
    choices = [] if delta is None else [{"index": 0, "delta": delta, "finish_reason": finish}]
    return b"data: " + json.dumps({"model": "m", "choices": choices, **rest}).encode() + b"\r\n\r\n"


def stream(key: str = NO_KEY) -> tuple[StreamedReply, list[str]]:
    heard: list[str] = []
    return StreamedReply("The teacher", key, heard.append), heard


def test_pieces_may_be_cut_anywhere() -> None:
    sent = (
        event({"role": "assistant"}) + event({"content": "Wör"}) + b": a comment\n" + event({"content": "ld"}, "stop")
    )
    sent += event(usage={"prompt_tokens": 3, "completion_tokens": 2}) + b"data: [DONE]\n\n"
    for size in (1, 7, len(sent)):
        reply, heard = stream()
        for start in range(0, len(sent), size):
            reply.feed(sent[start : start + size])
        answer = read_reply("T", reply.body(), ASKED)
        assert "".join(heard) == answer.text == "Wörld"
        assert (answer.finish_reason, answer.input_tokens, answer.output_tokens) == ("stop", 3, 2)
        assert answer.returned_model == "m"


def test_reasoning_is_kept_apart_and_not_handed_on() -> None:
    reply, heard = stream()
    reply.feed(event({"reasoning_content": "Hm. "}) + event({"content": "Yes."}, "length"))
    answer = read_reply("T", reply.body(), ASKED)
    assert (answer.text, answer.reasoning, answer.finish_reason, heard) == ("Yes.", "Hm. ", "length", ["Yes."])


def test_other_choices_are_not_mixed_in() -> None:
    reply, heard = stream()
    reply.feed(event({"content": "mine"}))
    reply.feed(b'data: {"choices": [{"index": 1, "delta": {"content": "other"}}]}\n')
    reply.feed(b"data: [DONE]")
    assert read_reply("T", reply.body(), ASKED).text == "mine" and heard == ["mine"]


@pytest.mark.parametrize(
    ("sent", "kind"),
    [
        (event({"content": "half"}), "unreachable"),
        (b"", "unreachable"),
        (event({"content": "half"}) + b"data: {not json\n", "malformed"),
        (event({"content": "half"}) + b'data: {"error": {"code": 429, "message": "slow down"}}\n', "rate_limited"),
        (event({"content": "half"}, "error"), "server_error"),
        (b'data: {"choices": [{"index": 0, "delta": {}, "error": {"code": 502}, "finish_reason": "error"}]}\n',
         "server_error"),
    ],
)  # fmt: skip
def test_a_stream_that_does_not_end_well_is_a_fault(sent: bytes, kind: str) -> None:
    reply, _ = stream()
    with pytest.raises(Fault) as caught:
        reply.feed(sent)
        read_reply("T", reply.body(), ASKED)
    assert caught.value.kind == kind


@pytest.mark.parametrize("size", [1, 5, 100])
def test_a_key_that_a_teacher_echoes_is_not_handed_on_in_pieces(size: int) -> None:
    said = f"Your key is {KEY}, and sk-very-other is not."
    reply, heard = stream(KEY)
    for start in range(0, len(said), size):
        reply.feed(event({"content": said[start : start + size]}))
    reply.feed(event({}, "stop"))
    reply.body()
    assert "".join(heard) == said.replace(KEY, "[key]")
