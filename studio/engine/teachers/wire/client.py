"""Asks a teacher one question over HTTP: OpenAI's chat completions, sent over aiohttp with nothing in between.

The `openai` package itself takes nine times as long for a request as the transport below it, and its own retries would
have to be off, since patience is ours; what it adds at this one address is a URL, a header and a JSON body.
"""

import os
from io import BytesIO
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

import aiohttp
import orjson

from studio.engine.store.tables import Teacher
from studio.engine.teachers.wire.endpoint import endpoint_of
from studio.engine.teachers.wire.faults import Fault, FaultKind, fault_of_status, one_line
from studio.engine.teachers.wire.keys import blotted, key_of, without_key
from studio.engine.teachers.wire.limits import rate_limits
from studio.engine.teachers.wire.reply import Answer, error_in, read_reply
from studio.engine.teachers.wire.retry import retry_after_seconds

CONNECT_SECONDS = 15.0
LARGE_BODY = 2**19
"""Bytes from which a body is sent in parts, so that other questions are not held up meanwhile."""
LARGEST_REPLY = 64 * 2**20
"""Bytes, so that a server gone wrong cannot fill the memory."""


class TeacherClient:
    """One teacher at one base URL with one key. Use as `async with`; takes as many questions at once as it is given."""

    def __init__(self, teacher: Teacher, base_url: str, key: str | None = None) -> None:
        self._teacher = teacher
        self._who = f"The teacher '{teacher.name}'"
        self._key = key_of(teacher) if key is None else key
        self._url, headers = endpoint_of(base_url, self._key)
        self._headers = {**headers, "Accept": "application/json"}
        self._trust_env = urlsplit(base_url).hostname not in ("127.0.0.1", "localhost", "::1")
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        total = self._teacher.timeout
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=30),
            timeout=aiohttp.ClientTimeout(total=total, sock_connect=min(CONNECT_SECONDS, total)),
            headers=self._headers,
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=self._trust_env,
        )
        return self

    async def __aexit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        if self._session:
            await self._session.close()

    async def ask(self, messages: list[dict[str, Any]], parameters: dict[str, Any]) -> Answer:
        """The teacher's answer. Raises `Fault` for everything that is none, within the teacher's timeout in all."""
        try:
            body = orjson.dumps({"model": self._teacher.model, "messages": messages, **parameters})
            return await self._exchange(body, messages)
        except Fault as fault:
            fault.text = without_key(fault.text, self._key)
            raise
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError, TypeError) as exc:
            met = self._fault_of(exc)
            met.text = without_key(met.text, self._key)
            raise met from None

    async def _exchange(self, body: bytes, messages: list[dict[str, Any]]) -> Answer:
        assert self._session is not None, "use TeacherClient as `async with`"
        # The key was given for this address and no other; following a 301 or 302 would lose the question besides.
        async with self._session.post(self._url, data=_payload(body), allow_redirects=False) as response:
            if 300 <= response.status < 400:
                raise self._moved(response)
            raw = blotted(await self._body_of(response), self._key)
            limits = rate_limits(response.headers)
            if response.status >= 300:
                said, code = error_in(raw)
                wait = retry_after_seconds(response.headers)
                fault = fault_of_status(self._who, response.status, said, code, wait)
                fault.limits = limits
                raise fault
        answer = read_reply(self._who, raw, messages)
        answer.limits = limits
        return answer

    def _moved(self, response: aiohttp.ClientResponse) -> Fault:
        to = one_line(without_key(response.headers.get("Location", ""), self._key)) or "nowhere."
        text = f"{self._who} was not asked: its address sends questions on (HTTP {response.status}) to {to}"
        return Fault(FaultKind.NOT_FOUND, text, response.status)

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

    def _fault_of(self, exc: Exception) -> Fault:
        where = urlsplit(self._url).netloc.rpartition("@")[2]
        if (reason := _refused(exc)) is not None:
            return Fault(FaultKind.UNREACHABLE, f"{self._who} cannot be reached at {where} ({reason}).")
        if isinstance(exc, TimeoutError):
            text = f"{self._who} did not answer within {self._teacher.timeout:g} seconds."
            return Fault(FaultKind.TIMEOUT, text)
        if isinstance(exc, aiohttp.InvalidURL):
            return Fault(FaultKind.UNREACHABLE, f"{self._who} has an address that is none: {where}.")
        if isinstance(exc, TypeError | ValueError) and not isinstance(exc, aiohttp.ClientError):
            return Fault(FaultKind.BAD_REQUEST, f"{self._who} cannot be sent this prompt ({one_line(str(exc))})")
        return Fault(FaultKind.MALFORMED, f"{self._who} answered with something unreadable ({one_line(str(exc))})")


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
