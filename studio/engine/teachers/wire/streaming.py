"""Reads an answer that comes in pieces (server-sent events) and puts it together as the reply that it would have been
in one piece, so that what is kept is read the same way."""

import re
from collections.abc import Callable
from typing import Any

import orjson

from studio.engine.teachers.wire.faults import Fault, FaultKind
from studio.engine.teachers.wire.keys import SHORTEST_SECRET, blotted
from studio.engine.teachers.wire.token_estimate import text_tokens

EVENT_STREAM = "text/event-stream"
DONE = b"[DONE]"
BOM = b"\xef\xbb\xbf"
EVENT_STARTS = (b"data:", b"event:", b"id:", b"retry:", b":")
MOST_LINES = 200
"""Of one event."""
_ENDED = re.compile(rb"\s*(?:data:\s*\[DONE\]\s*)+\Z")
TEXTS = ("content", "refusal", "reasoning_content", "reasoning")


_WORD = re.compile(r"[!-~]{1,4096}\Z")
"""What a key or an echo of it consists of: no spaces, and nothing beyond ASCII."""


class WithoutKey:
    """Hands pieces of text on without the key, though it be spread over several: a word waits for its end."""

    def __init__(self, key: str, delta: Callable[[str], None]) -> None:
        self._key, self._delta, self._waiting = key, delta, ""

    def add(self, text: str) -> None:
        if len(self._key) < SHORTEST_SECRET:
            return self._delta(text)
        text = self._waiting + text
        word = _WORD.search(text)
        ready, self._waiting = (text[: word.start()], word[0]) if word else (text, "")
        if ready:
            self._delta(self._blotted(ready))

    def end(self) -> None:
        if self._waiting:
            self._delta(self._blotted(self._waiting))
        self._waiting = ""

    def _blotted(self, text: str) -> str:
        return blotted(text.encode("utf-8", "surrogatepass"), self._key).decode("utf-8", "surrogatepass")


def in_one_piece(who: str, key: str, raw: bytes, content_type: str) -> bytes:
    """A whole reply as JSON, although its server streamed it unasked or put the end of a stream behind it."""
    if content_type == "application/json" and raw.endswith(b"}"):
        return raw
    said = raw.removeprefix(BOM).strip()
    if said.startswith(b"{") and _is_json(whole := _ENDED.sub(b"", said)):
        return whole
    if not said.startswith(EVENT_STARTS) and (not said or content_type != EVENT_STREAM):
        return raw
    reply = StreamedReply(who, key, lambda _piece: None)
    reply.feed(said)
    return blotted(reply.body(), key)  # Pieces that lay apart may make a key.


def _is_json(said: bytes) -> bool:
    try:
        orjson.loads(said)
    except orjson.JSONDecodeError:
        return False
    return True


class StreamedReply:
    """The pieces of one answer. `feed` takes bytes as they arrive, `body` is the whole reply as JSON."""

    def __init__(self, who: str, key: str, delta: Callable[[str], None]) -> None:
        self._who, self._told = who, WithoutKey(key, delta)
        self._rest, self._event, self._unread = b"", b"", list[bytes]()
        self._begun = False
        self._reply: dict[str, Any] = {}
        self._texts: dict[str, list[str]] = {}
        self._choice: dict[str, Any] = {}
        self.is_done = False
        """Whether the stream said that it ended."""

    @property
    def output_tokens(self) -> int:
        """Roughly how many tokens of the answer have arrived."""
        return sum(text_tokens("".join(pieces)) for pieces in self._texts.values())

    def feed(self, data: bytes) -> None:
        if not self._begun:
            data = (self._rest + data).removeprefix(BOM)
            self._rest, self._begun = b"", len(data) >= len(BOM)
            if not self._begun:
                self._rest = data
                return
        data = self._rest + data
        held = data[-1:] if data.endswith(b"\r") else b""  # The other half of a line's end may be still to come.
        lines = data[: len(data) - len(held)].replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
        self._rest = lines.pop() + held
        for line in lines:
            self._take(line.strip())

    def body(self) -> bytes:
        """Raises Fault for a stream that ended before its answer did."""
        self._take(self._rest.strip())
        self._take(b"")
        self._rest = b""
        self._told.end()
        if self._reply.get("error"):
            return orjson.dumps(self._reply)
        if not self.is_done and not self._choice.get("finish_reason"):
            fault = Fault(FaultKind.UNREACHABLE, f"{self._who} broke off in the middle of its answer.")
            fault.output_tokens = self.output_tokens
            raise fault
        message = {"role": "assistant", **{name: "".join(pieces) for name, pieces in self._texts.items()}}
        choice = {"index": 0, **self._choice, "message": message}
        return orjson.dumps({**self._reply, "object": "chat.completion", "choices": [choice]})

    def _take(self, line: bytes) -> None:
        """One line. An event ends with an empty one, but many servers leave that out, so that data which is whole is
        read at once."""
        if not line:
            unread, self._unread = b"\n".join(self._unread), []
            if unread:
                self._read(unread, is_whole=True)
            self._event = b""
        elif line.startswith(b"event:"):
            self._event = line[6:].strip()
        elif line.startswith(b"data:"):
            self._collect(line[5:].strip())
        elif line.startswith(b"{"):  # A whole reply where a stream was asked for, or lines of JSON.
            self._collect(_ENDED.sub(b"", line))
            self.is_done = self.is_done or line.endswith(DONE)

    def _collect(self, data: bytes) -> None:
        if data == DONE:
            self.is_done = True
            return
        if data:
            self._unread.append(data)
        if data.endswith(b"}") and self._read(b"\n".join(self._unread), is_whole=len(self._unread) >= MOST_LINES):
            self._unread = []

    def _read(self, data: bytes, *, is_whole: bool) -> bool:
        """Whether this was one event. Raises Fault for what is none, although it `is_whole`."""
        try:
            event = orjson.loads(data)
        except orjson.JSONDecodeError as exc:
            if not is_whole:
                return False
            if self._event == b"error":
                event = data.decode(errors="replace")
            else:
                text = f"{self._who} streamed a piece that is not JSON: {data[:80].decode(errors='replace')}"
                raise Fault(FaultKind.MALFORMED, text, output_tokens=self.output_tokens) from exc
        if self._event == b"error" and not (isinstance(event, dict) and event.get("error")):
            event = {"error": event}
        if isinstance(event, dict):
            self._add(event)
        return True

    def _add(self, event: dict[str, Any]) -> None:
        self._reply |= {key: value for key, value in event.items() if key not in ("choices", "object") and value}
        choices = event.get("choices")
        first = next((one for one in choices if isinstance(one, dict)), None) if isinstance(choices, list) else None
        if first is None or first.get("index", 0) != 0:
            return
        self._choice |= {key: first[key] for key in ("finish_reason", "error") if first.get(key)}
        delta = first.get("delta") or first.get("message")
        if not isinstance(delta, dict):
            return
        for name in TEXTS:
            if isinstance(piece := delta.get(name), str) and piece:
                self._texts.setdefault(name, []).append(piece)
                if name == "content":
                    self._told.add(piece)
