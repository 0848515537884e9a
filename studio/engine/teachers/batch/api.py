"""A provider's files and batches, through the `openai` package. Everything that goes wrong becomes a `Fault`."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Self
from urllib.parse import urlsplit

from studio.engine.teachers.wire.endpoint import Endpoint
from studio.engine.teachers.wire.faults import Fault, FaultKind, fault_of_status, moved, one_line
from studio.engine.teachers.wire.keys import blotted, without_key
from studio.engine.teachers.wire.reply import error_in
from studio.engine.teachers.wire.retry import retry_after_seconds

if TYPE_CHECKING:
    from openai.types import Batch as OpenAIBatch

WINDOW: Literal["24h"] = "24h"
TOKEN = "understudy_batch"
"""Under which a batch's token stands in its metadata."""
SECONDS = 60.0
"""Without a byte, until an exchange is given up."""
UPLOAD_SECONDS = 600.0
"""A provider may take its time over a file before it says a word."""
CONNECT_SECONDS = 15.0
LONGEST_LINE = 64 * 2**20
ENDED = frozenset({"completed", "failed", "expired", "cancelled"})


@dataclass(frozen=True)
class Refusal:
    """Why a provider would not take a batch; `line` counts from 1."""

    code: str
    message: str
    line: int | None


@dataclass(frozen=True)
class RemoteBatch:
    """A batch as the provider tells of it; counts are of requests."""

    id: str
    state: str
    input_file_id: str | None = None
    output_file_id: str | None = None
    error_file_id: str | None = None
    total: int = 0
    completed: int = 0
    failed: int = 0
    refusals: tuple[Refusal, ...] = ()

    @property
    def is_over(self) -> bool:
        return self.state in ENDED


class BatchApi:
    """One account. Use as `with`. Nothing is repeated here: that is for those who know what may be repeated."""

    def __init__(self, endpoint: Endpoint) -> None:
        import openai  # Takes a second to import, so only those who ask pay for it.

        self._openai = openai
        self.who, self._key, account = endpoint.who, endpoint.key, endpoint.account
        self.path = account.batch_path
        self._where = urlsplit(endpoint.base_url).netloc.rpartition("@")[2]
        timeout = openai.Timeout(SECONDS, connect=CONNECT_SECONDS)
        self._client = openai.OpenAI(
            api_key=self._key, base_url=account.url, default_query=dict(account.query),
            default_headers=account.headers, max_retries=0, timeout=timeout,
            # The key and the questions were given for this address and no other.
            http_client=openai.DefaultHttpxClient(
                timeout=timeout, trust_env=not endpoint.is_loopback, follow_redirects=False
            ),
        )  # fmt: skip

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._client.close()

    def upload(self, path: Path) -> str:
        """Uploads a file of lines without reading it whole, and returns its id."""
        slowly = self._openai.Timeout(UPLOAD_SECONDS, connect=CONNECT_SECONDS)
        with self._faults(), path.open("rb") as file:
            sent = (path.name, file, "application/jsonl")
            return self._client.files.create(file=sent, purpose="batch", timeout=slowly).id

    def create(self, file_id: str, token: str) -> RemoteBatch:
        with self._faults():
            made = self._client.batches.create(
                input_file_id=file_id,
                endpoint=self.path,  # type: ignore[arg-type]
                completion_window=WINDOW,
                metadata={TOKEN: token},
            )
        return self._told(made)

    def find(self, token: str, file_id: str | None, since: float) -> RemoteBatch | None:
        """The batch that was created with a token or from a file, if there is one. The newest are listed first; those
        made before `since` (seconds since 1970) are not looked at."""
        with self._faults():
            for found in self._client.batches.list(limit=100):
                if (found.metadata or {}).get(TOKEN) == token or (file_id and found.input_file_id == file_id):
                    return self._told(found)
                if found.created_at and found.created_at < since:
                    return None
        return None

    def get(self, batch_id: str) -> RemoteBatch:
        with self._faults():
            return self._told(self._client.batches.retrieve(batch_id))

    def cancel(self, batch_id: str) -> RemoteBatch:
        with self._faults():
            return self._told(self._client.batches.cancel(batch_id))

    def lines(self, file_id: str) -> Iterator[bytes]:
        """The lines of a file as they arrive, without their ends; empty ones are left out."""
        with self._faults(), self._client.files.with_streaming_response.content(file_id) as response:
            rest = b""
            for part in response.iter_bytes(2**16):
                *whole, rest = (rest + part).split(b"\n")
                yield from (self._without_key(line) for line in whole if line)
                if len(rest) > LONGEST_LINE:
                    raise Fault(FaultKind.MALFORMED, f"{self.who} sent a batch's results in a line without an end.")
            if rest.strip():
                yield self._without_key(rest)

    @contextlib.contextmanager
    def _faults(self) -> Iterator[None]:
        import httpx2

        try:
            yield
        except Fault as fault:
            fault.text = without_key(fault.text, self._key)
            raise
        except (self._openai.OpenAIError, httpx2.HTTPError, httpx2.StreamError, ValueError) as exc:
            met = self._fault_of(exc)
            met.text = without_key(met.text, self._key)
            raise met from None

    def _fault_of(self, exc: Exception) -> Fault:
        openai = self._openai
        if isinstance(exc, openai.APIStatusError):
            with contextlib.suppress(Exception):
                exc.response.read()
            if 300 <= exc.status_code < 400:
                return moved(
                    self.who, exc.status_code, without_key(exc.response.headers.get("Location", ""), self._key)
                )
            said, code = error_in(self._without_key(_body_of(exc)))
            return fault_of_status(self.who, exc.status_code, said, code, retry_after_seconds(exc.response.headers))
        if isinstance(exc, openai.APITimeoutError):
            return Fault(FaultKind.TIMEOUT, f"{self.who} did not answer in time.")
        if isinstance(exc, openai.OpenAIError | ValueError) and not isinstance(exc, openai.APIConnectionError):
            return Fault(FaultKind.MALFORMED, f"{self.who} said something unreadable ({one_line(str(exc))})")
        reason = one_line(str(exc.__cause__ or exc)).rstrip(".")
        return Fault(FaultKind.UNREACHABLE, f"{self.who} cannot be reached at {self._where} ({reason}).")

    def _told(self, batch: "OpenAIBatch") -> RemoteBatch:
        """Providers other than OpenAI leave things out, or write states in capitals."""
        if not getattr(batch, "id", None) or not getattr(batch, "status", None):
            raise Fault(FaultKind.MALFORMED, f"{self.who} told of a batch without an id or a status.")
        counts: Any = batch.request_counts
        errors = (batch.errors.data if batch.errors else None) or ()
        total, completed, failed = (int(getattr(counts, name, 0) or 0) for name in ("total", "completed", "failed"))
        return RemoteBatch(
            batch.id, str(batch.status).lower(), batch.input_file_id, batch.output_file_id, batch.error_file_id,
            total, completed, failed,
            tuple(Refusal(error.code or "", self._clean(error.message or ""), error.line) for error in errors),
        )  # fmt: skip

    def _clean(self, text: str) -> str:
        return one_line(without_key(text, self._key))

    def _without_key(self, raw: bytes) -> bytes:
        """Before anything is read from it or cut to a length, so that no part of a key is left."""
        return blotted(raw, self._key)


def _body_of(exc: Any) -> bytes:
    try:
        return bytes(exc.response.content)
    except Exception:
        return b""
