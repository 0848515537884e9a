"""Asks a teacher one question over HTTP through the `openai` package, whose own retries are off: patience is ours."""

import asyncio
import os
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

from studio.engine.store.tables import Teacher
from studio.engine.teachers.faults import Fault, FaultKind, fault_of_status, one_line
from studio.engine.teachers.keys import key_of, without_key
from studio.engine.teachers.reply import Answer, error_in, read_reply
from studio.engine.teachers.retry import retry_after_seconds

CONNECT_SECONDS = 15.0


class TeacherClient:
    """One teacher at one base URL. Use as `async with`; safe for as many questions at once as its connections allow."""

    def __init__(self, teacher: Teacher, base_url: str) -> None:
        import openai  # Takes a second to import, so only those who ask pay for it.

        self._teacher = teacher
        self._who = f"The teacher '{teacher.name}'"
        self._key = key_of(teacher)
        self._openai = openai
        timeout = openai.Timeout(teacher.timeout, connect=min(CONNECT_SECONDS, teacher.timeout))
        transport = openai.DefaultAioHttpClient(timeout=timeout, trust_env=not _is_loopback(base_url))
        self._client = openai.AsyncOpenAI(
            api_key=self._key, base_url=base_url, max_retries=0, http_client=transport, timeout=timeout
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        await self._client.close()

    async def ask(self, messages: list[dict[str, Any]], parameters: dict[str, Any]) -> Answer:
        """The teacher's answer. Raises `Fault` for everything that is none, within the teacher's timeout in all."""
        try:
            async with asyncio.timeout(self._teacher.timeout):
                raw = await self._client.chat.completions.with_raw_response.create(
                    model=self._teacher.model,
                    messages=messages,  # type: ignore[arg-type]
                    extra_body=parameters or None,
                )
                body = raw.http_response.content
            return read_reply(self._who, body, messages)
        except Fault as fault:
            raise self._clean(fault) from None
        except (TimeoutError, self._openai.OpenAIError) as exc:
            raise self._clean(self._fault_of(exc)) from None
        except (ValueError, OSError) as exc:
            text = f"{self._who} could not be read ({type(exc).__name__}: {exc})."
            raise self._clean(Fault(FaultKind.UNREACHABLE, text)) from None

    def _fault_of(self, exc: Exception) -> Fault:
        openai = self._openai
        if isinstance(exc, openai.APIStatusError):
            said, code = error_in(exc.response.content)
            wait = retry_after_seconds(exc.response.headers)
            return fault_of_status(self._who, exc.status_code, said, code, wait)
        reason = _refused(exc)
        if reason is not None:
            where = urlsplit(str(self._client.base_url)).netloc
            return Fault(FaultKind.UNREACHABLE, f"{self._who} cannot be reached at {where} ({reason}).")
        if isinstance(exc, TimeoutError | openai.APITimeoutError):
            text = f"{self._who} did not answer within {self._teacher.timeout:g} seconds."
            return Fault(FaultKind.TIMEOUT, text)
        return Fault(FaultKind.MALFORMED, f"{self._who} answered with something unreadable ({one_line(str(exc))})")

    def _clean(self, fault: Fault) -> Fault:
        return Fault(fault.kind, without_key(fault.text, self._key), fault.status, fault.retry_after)


def _refused(exc: BaseException) -> str | None:
    """Why no connection came about or held, or None when the teacher was merely slow.

    The transport reports a refused connection as a timeout, so the cause underneath decides.
    """
    import aiohttp

    cause: BaseException | None = exc
    while cause is not None:
        if isinstance(cause, aiohttp.ClientConnectionError) and not isinstance(cause, aiohttp.ServerTimeoutError):
            error = getattr(cause, "os_error", None)
            number = getattr(error, "errno", None) or 0
            return os.strerror(number) if number > 0 else " ".join(str(error or cause).split())[:160]
        if isinstance(cause, aiohttp.ConnectionTimeoutError | aiohttp.ClientPayloadError):
            return "no connection in time" if isinstance(cause, TimeoutError) else "the connection broke off"
        cause = cause.__cause__
    return None


def _is_loopback(base_url: str) -> bool:
    return urlsplit(base_url).hostname in ("127.0.0.1", "localhost", "::1")
