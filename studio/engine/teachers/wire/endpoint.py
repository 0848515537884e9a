"""What a teacher's base URL means to a client: the addresses to send to, and the headers that carry the key.

Azure wants its version in the query of every address (`?api-version=...`) and the key in a header of its own.
"""

from dataclasses import dataclass
from urllib.parse import parse_qsl, urlsplit, urlunsplit

from studio.engine.teachers.wire.keys import NO_KEY

AZURE_HEADER = "api-key"
_AZURE_HOSTS = (".openai.azure.com", ".cognitiveservices.azure.com", ".services.ai.azure.com")


@dataclass(frozen=True)
class Account:
    """Where files and batches live. `url` has no query; `query` and `headers` go with every request."""

    url: str
    query: dict[str, str]
    headers: dict[str, str]

    @property
    def batch_path(self) -> str:
        """What a line of a batch names as its address: Azure's versioned API leaves the `/v1` out."""
        return "/chat/completions" if "api-version" in self.query else "/v1/chat/completions"


def endpoint_of(base_url: str, key: str) -> tuple[str, dict[str, str]]:
    """The address of chat completions under a base URL, its query kept, and the headers that carry the key."""
    parts = urlsplit(base_url)
    path = f"{parts.path.rstrip('/')}/chat/completions"
    return urlunsplit((parts.scheme, parts.netloc, path, parts.query, "")), _headers(base_url, key)


def account_of(base_url: str, key: str) -> Account:
    """At Azure files and batches belong to the resource, not to one deployment of a model."""
    parts = urlsplit(base_url)
    path = parts.path.rstrip("/").partition("/deployments/")[0]
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    return Account(urlunsplit((parts.scheme, parts.netloc, path, "", "")), query, _headers(base_url, key))


def _headers(base_url: str, key: str) -> dict[str, str]:
    headers = {"Authorization": f"Bearer {key}"}
    return headers | {AZURE_HEADER: key} if key != NO_KEY and _is_azure(base_url) else headers


def _is_azure(base_url: str) -> bool:
    parts = urlsplit(base_url)
    return "api-version" in dict(parse_qsl(parts.query)) or (parts.hostname or "").endswith(_AZURE_HOSTS)
