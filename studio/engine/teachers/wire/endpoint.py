"""Where a model answers and how it may be asked: the one value that every client takes.

Azure wants its version in the query of every address (`?api-version=...`) and the key in a header of its own.
"""

import re
from dataclasses import dataclass, field, replace
from typing import Self
from urllib.parse import parse_qsl, urlsplit, urlunsplit

from studio.engine.teachers.local import is_local
from studio.engine.teachers.wire.keys import NO_KEY

AZURE_HEADER = "api-key"
LOOPBACK = ("127.0.0.1", "localhost", "::1")
_AZURE_HOSTS = (".openai.azure.com", ".cognitiveservices.azure.com", ".services.ai.azure.com")


_ENDPOINTS = re.compile(
    r"/+(chat/completions|completions|responses|messages|embeddings|models|chat)/*\Z", re.IGNORECASE
)
"""How an address ends that somebody copied whole: what is asked for there, which a base URL leaves out."""


def base_of(base_url: str) -> str:
    """The base URL without the endpoint that may stand at its end; its query stays."""
    parts = urlsplit(base_url)
    path, before = parts.path, ""
    while path != before:
        path, before = _ENDPOINTS.sub("", path), path
    return base_url if path == parts.path else urlunsplit((parts.scheme, parts.netloc, path, parts.query, ""))


@dataclass(frozen=True)
class Endpoint:
    """One model at one base URL with one key. `who` names it in sentences, as in "The teacher 'gpt'".

    `key` is never left out: a server that wants none is given `NO_KEY`. Times are in seconds; the concurrency is how
    many questions may be under way, and None for a limit a minute means that there is none.
    """

    who: str
    base_url: str
    model: str
    key: str = field(repr=False)
    timeout: float
    concurrency: int
    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None

    def __post_init__(self) -> None:
        if not self.key:
            raise ValueError("An endpoint without a key says so with NO_KEY.")

    def at(self, base_url: str) -> Self:
        """The same endpoint at the address where a server of this machine turned out to listen.

        Raises ValueError for any other change of address, which its key was not granted for.
        """
        is_here = is_local(self.base_url) and urlsplit(base_url).hostname in LOOPBACK
        if base_url != self.base_url and not is_here:
            raise ValueError("Only an embedded teacher turns out to listen elsewhere than its address says.")
        return replace(self, base_url=base_url)

    @property
    def is_loopback(self) -> bool:
        return urlsplit(self.base_url).hostname in LOOPBACK

    @property
    def completions_url(self) -> str:
        """The address of chat completions, the query of the base URL kept."""
        parts = urlsplit(base_of(self.base_url))
        path = f"{parts.path.rstrip('/')}/chat/completions"
        return urlunsplit((parts.scheme, parts.netloc, path, parts.query, ""))

    @property
    def headers(self) -> dict[str, str]:
        """What carries the key."""
        headers = {"Authorization": f"Bearer {self.key}"}
        return headers | {AZURE_HEADER: self.key} if self.key != NO_KEY and _is_azure(self.base_url) else headers

    @property
    def account(self) -> "Account":
        """At Azure files and batches belong to the resource, not to one deployment of a model."""
        parts = urlsplit(base_of(self.base_url))
        path = parts.path.rstrip("/").partition("/deployments/")[0]
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        return Account(urlunsplit((parts.scheme, parts.netloc, path, "", "")), query, self.headers)


@dataclass(frozen=True)
class Account:
    """Where files and batches live. `url` has no query; `query` and `headers` go with every request."""

    url: str
    query: dict[str, str]
    headers: dict[str, str] = field(repr=False)

    @property
    def batch_path(self) -> str:
        """What a line of a batch names as its address: Azure's versioned API leaves the `/v1` out."""
        return "/chat/completions" if "api-version" in self.query else "/v1/chat/completions"


def _is_azure(base_url: str) -> bool:
    parts = urlsplit(base_url)
    return "api-version" in dict(parse_qsl(parts.query)) or (parts.hostname or "").endswith(_AZURE_HOSTS)
