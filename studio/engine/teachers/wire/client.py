"""Asks a teacher one question over HTTP: OpenAI's chat completions, sent over aiohttp with nothing in between.

The `openai` package itself takes nine times as long for a request as the transport below it, and its own retries would
have to be off, since patience is ours; what it adds at this one address is a URL, a header and a JSON body.
"""

import os
from collections.abc import Callable
from io import BytesIO
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

import aiohttp
import orjson

from studio.engine.teachers.wire.endpoint import Endpoint
from studio.engine.teachers.wire.faults import Fault, FaultKind, fault_of_status, moved, one_line
from studio.engine.teachers.wire.keys import blotted, without_key
from studio.engine.teachers.wire.limits import RateLimits, rate_limits
from studio.engine.teachers.wire.reply import Answer, error_in, read_reply
from studio.engine.teachers.wire.reply_modes import WHOLE, WITH_USAGE, ReplyMode, mode_after
from studio.engine.teachers.wire.retry import retry_after_seconds, wait_in
from studio.engine.teachers.wire.streaming import EVENT_STREAM, StreamedReply, in_one_piece
from studio.engine.teachers.wire.token_estimate import expected_tokens

CONNECT_SECONDS = 15.0
IDLE_SECONDS = 30.0
"""How long a connection is kept for the next question."""
LARGE_BODY = 2**19
"""Bytes from which a body is sent in parts, so that other questions are not held up meanwhile."""
LARGEST_REPLY = 64 * 2**20
"""Bytes, so that a server gone wrong cannot fill the memory."""


class TeacherClient:
    """Asks one endpoint. Use as `async with`; takes as many questions at once as it is given."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._model, self._timeout = endpoint.model, endpoint.timeout
        self._who, self._key, self._url = endpoint.who, endpoint.key, endpoint.completions_url
        self._headers = {**endpoint.headers, "Accept": "application/json"}
        self._trust_env = not endpoint.is_loopback
        self._session: aiohttp.ClientSession | None = None
        self._mode: ReplyMode | None = None

    async def __aenter__(self) -> Self:
        total = self._timeout
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=IDLE_SECONDS),
            timeout=aiohttp.ClientTimeout(total=total, sock_connect=min(CONNECT_SECONDS, total)),
            headers=self._headers,
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=self._trust_env,
        )
        return self

    async def __aexit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        if self._session:
            await self._session.close()

    async def ask(
        self,
        messages: list[dict[str, Any]],
        parameters: dict[str, Any],
        delta: Callable[[str], None] | None = None,
    ) -> Answer:
        """The teacher's answer. Raises `Fault` for everything that is none, within the teacher's timeout in all.

        With `delta` the answer is asked for in pieces, and each piece of its text is handed over as it arrives; a
        teacher that answers in one piece all the same is taken at that.
        """
        asked = {"model": self._model, "messages": messages, **parameters}
        mode = self._mode or (WITH_USAGE if delta else WHOLE)
        try:
            return await self._asked(asked, mode, messages, delta)
        except Fault as fault:
            fault.text = without_key(fault.text, self._key)
            raise
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError, TypeError) as exc:
            met = self._fault_of(exc)
            met.text = without_key(met.text, self._key)
            raise met from None

    async def _asked(
        self,
        asked: dict[str, Any],
        mode: ReplyMode,
        messages: list[dict[str, Any]],
        delta: Callable[[str], None] | None,
    ) -> Answer:
        """Some servers only stream, some never do, some know no counts in a stream: the one that one of them asks for
        is taken at once, and from then on."""
        tried: dict[ReplyMode, Fault] = {}
        while True:
            try:
                answer = await self._exchange(orjson.dumps(asked | mode.asks), messages, delta)
            except Fault as fault:
                tried[mode] = fault
                other = mode_after(mode, fault)
                if other is None or other in tried:
                    raise next(iter(tried.values())) if fault.kind is FaultKind.BAD_REQUEST else fault from None
                mode = other
            else:
                self._mode = mode if tried else self._mode
                return answer

    async def _exchange(
        self, body: bytes, messages: list[dict[str, Any]], delta: Callable[[str], None] | None
    ) -> Answer:
        assert self._session is not None, "use TeacherClient as `async with`"
        # The key was given for this address and no other; following a 301 or 302 would lose the question besides.
        async with self._session.post(self._url, data=_payload(body), allow_redirects=False) as response:
            if 300 <= response.status < 400:
                raise moved(self._who, response.status, without_key(response.headers.get("Location", ""), self._key))
            streamed = delta is not None and response.status < 300 and response.content_type == EVENT_STREAM
            received = await (self._pieces_of(response, messages, delta) if streamed else self._body_of(response))  # type: ignore[arg-type]
            raw = blotted(received, self._key)
            limits = rate_limits(response.headers)
            if response.status >= 300:
                said, code = error_in(raw)
                wait = _wait(response, raw, limits)
                fault = fault_of_status(self._who, response.status, said, code, wait)
                fault.limits = limits
                raise fault
        try:
            whole = raw if streamed else in_one_piece(self._who, self._key, raw, response.content_type)
            answer = read_reply(self._who, whole, messages)
        except Fault as fault:
            fault.limits = limits
            if fault.retry_after is None:
                fault.retry_after = retry_after_seconds(response.headers)
            raise
        answer.limits = limits
        return answer

    async def _body_of(self, response: aiohttp.ClientResponse) -> bytes:
        if (response.content_length or LARGEST_REPLY) < LARGEST_REPLY and "Content-Encoding" not in response.headers:
            return await response.read()
        parts, size = [], 0
        async for part in response.content.iter_any():
            parts.append(part)
            size += len(part)
            if size > LARGEST_REPLY:
                text = f"{self._who} answered with more than {LARGEST_REPLY // 2**20} MB, which no answer is."
                raise Fault(FaultKind.MALFORMED, text)
        return b"".join(parts)

    async def _pieces_of(
        self, response: aiohttp.ClientResponse, messages: list[dict[str, Any]], delta: Callable[[str], None]
    ) -> bytes:
        """The reply put together. Trouble on the way says what has been charged for by then, as far as can be told."""
        reply, size = StreamedReply(self._who, self._key, delta), 0
        try:
            async for part in response.content.iter_any():
                size += len(part)
                if size > LARGEST_REPLY:
                    raise Fault(FaultKind.MALFORMED, f"{self._who} streams more than {LARGEST_REPLY // 2**20} MB.")
                reply.feed(part)
            return reply.body()
        except (Fault, aiohttp.ClientError, TimeoutError, OSError) as exc:
            fault = exc if isinstance(exc, Fault) else self._fault_of(exc)
            fault.input_tokens, fault.output_tokens = expected_tokens(messages), reply.output_tokens
            raise fault from None

    def _fault_of(self, exc: Exception) -> Fault:
        where = urlsplit(self._url).netloc.rpartition("@")[2]
        if (reason := _refused(exc)) is not None:
            return Fault(FaultKind.UNREACHABLE, f"{self._who} cannot be reached at {where} ({reason}).")
        if isinstance(exc, TimeoutError):
            text = f"{self._who} did not answer within {self._timeout:g} seconds."
            return Fault(FaultKind.TIMEOUT, text)
        if isinstance(exc, aiohttp.InvalidURL):
            return Fault(FaultKind.UNREACHABLE, f"{self._who} has an address that is none: {where}.")
        if isinstance(exc, TypeError | ValueError) and not isinstance(exc, aiohttp.ClientError):
            return Fault(FaultKind.BAD_REQUEST, f"{self._who} cannot be sent this prompt ({one_line(str(exc))})")
        return Fault(FaultKind.MALFORMED, f"{self._who} answered with something unreadable ({one_line(str(exc))})")


def _wait(response: aiohttp.ClientResponse, raw: bytes, limits: RateLimits | None) -> float | None:
    """How long an error asks to wait: by its headers, by its words, or until its limits are whole again."""
    wait = retry_after_seconds(response.headers)
    if wait is None and response.status in (429, 503):
        wait = wait_in(raw[:4000].decode(errors="replace"))
    if wait is None and response.status == 429 and limits is not None:
        wait = limits.exhausted_for
    return wait


def _payload(body: bytes) -> aiohttp.Payload:
    if len(body) < LARGE_BODY:
        return aiohttp.BytesPayload(body, content_type="application/json")
    return aiohttp.BytesIOPayload(BytesIO(body), content_type="application/json")


def _refused(exc: BaseException) -> str | None:
    """Why no connection came about or held, or None when the teacher was merely slow or said something strange."""
    if isinstance(exc, aiohttp.ConnectionTimeoutError):
        return "no connection in time"
    if isinstance(exc, aiohttp.ClientPayloadError):
        return "the connection broke off"
    if isinstance(exc, aiohttp.ServerTimeoutError) or not isinstance(exc, aiohttp.ClientConnectionError | OSError):
        return None
    if isinstance(exc, TimeoutError):
        return None
    error = getattr(exc, "os_error", None) or exc
    number = getattr(error, "errno", None) or 0
    return os.strerror(number) if number > 0 else " ".join(str(error).split())[:160] or "the connection broke off"
