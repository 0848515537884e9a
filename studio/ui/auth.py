"""Who may come in. Everything is guarded before it reaches a route, Gradio's own open routes included; raters' pages
under `/r/` need no sign-in, but the same checks of Host and Origin.

A link carries a secret that is good once: the one that the app prints, a fresh one, or a colleague's own. It becomes a
session, whose cookie is random and ends by logging out, and disappears from the address. Whom a request comes from is
left in its scope: the owner, or a colleague.
"""

import hashlib
import hmac
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlencode, urlsplit

from starlette.datastructures import Headers
from starlette.requests import cookie_parser
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from studio.engine.store import secret_of
from studio.ui.one_time_links import OneTimeLinks
from studio.ui.parts.handlers import ACTOR
from studio.ui.rendering import render
from studio.ui.text import LANGUAGES, Texts

if TYPE_CHECKING:
    from studio.engine.domain.permissions import Actor
    from studio.engine.store import People, Sessions

OPEN_TO_RATERS = ("/r/", "/own/")
"""Raters' pages, and the shipped css, scripts and fonts they are drawn with: what anyone can read in the source."""
READ_ONLY = ("GET", "HEAD", "OPTIONS")
SESSION = "understudy.session"
"""Where in a request's scope it says by which session it was let in."""
SIGN_IN = (
    "Open the link that `understudy open` printed, which is good once. `understudy open --link` prints a fresh one for "
    "an app that is open."
)
A_YEAR = 31_536_000
"""Seconds that a browser keeps the cookie; how long a session lasts is the engine's to say."""


@dataclass(frozen=True)
class Key:
    """The workspace's secret, which a program may send as a bearer, and the name of its browsers' cookies."""

    token: str

    @property
    def cookie_name(self) -> str:
        """Cookies of one machine are shared by all ports: the name tells two workspaces apart."""
        return "understudy-" + hashlib.sha256(b"name:" + self.token.encode()).hexdigest()[:12]

    def opens(self, token: str) -> bool:
        return hmac.compare_digest(token.encode(), self.token.encode())


def key_of(workspace: Path) -> Key:
    """The key of a workspace, made on first use in a file that only its owner can read."""
    return Key(secret_of(workspace, "token"))


class Guard:
    """ASGI middleware. 400 for a foreign Host, 403 for a foreign Origin, 401 without a session.

    It answers to `host` alone, and at `public_url`, if there is one, to raters."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        key: Key,
        people: "People",
        sessions: "Sessions",
        links: OneTimeLinks,
        host: str,
        public_url: str = "",
    ) -> None:
        self.app = app
        self.key = key
        self.people = people
        self.sessions = sessions
        self.links = links
        self.host = host
        self.public = urlsplit(public_url)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        refusal = self.refusal(scope)
        if refusal is None:
            await self.app(scope, receive, send)
        elif scope["type"] == "http":
            await refusal(scope, receive, send)
        else:
            await send({"type": "websocket.close", "code": 1008})

    def refusal(self, scope: Scope) -> Response | None:
        """The answer that keeps a request out; None lets it in."""
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        is_public = bool(self.public.netloc) and host.lower() == self.public.netloc
        if not is_public and _name(host) != self.host:
            return PlainTextResponse("This address is not one the studio answers to.", status_code=400)
        scheme = self.public.scheme if is_public else _scheme(scope)
        if not _same_origin(scope, headers, f"{scheme}://{host.lower()}"):
            return PlainTextResponse("This request came from another site.", status_code=403)
        path = scope["path"]
        if path.startswith(OPEN_TO_RATERS) and ".." not in path.split("/"):
            return None
        if is_public:
            return PlainTextResponse("There is nothing at this address.", status_code=404)
        query = dict(parse_qsl(scope.get("query_string", b"").decode("latin-1"), keep_blank_values=True))
        if "token" in query and scope["type"] == "http" and scope["method"] in ("GET", "HEAD"):
            return self._exchange(scope, query)
        session = cookies(headers).get(self.key.cookie_name, "")
        actor = self._by_bearer(headers) or self.sessions.actor(session)
        if actor is None:
            return _sign_in(headers)
        scope[ACTOR], scope[SESSION] = actor, session
        return None

    def _exchange(self, scope: Scope, query: dict[str, str]) -> Response:
        """Begins a session with a link that is good; a browser that has one goes on with it, whatever the link."""
        token, headers = query.pop("token"), Headers(scope=scope)
        clean = scope["path"] + (f"?{urlencode(query)}" if query else "")
        answer = RedirectResponse("/" + clean.lstrip("/"), status_code=303, headers={"cache-control": "no-store"})
        actor = self.people.owner() if self.links.use(token) else self.people.by_link(token)
        if actor is not None:
            answer.set_cookie(
                self.key.cookie_name, self.sessions.begin(actor), max_age=A_YEAR, httponly=True, samesite="strict",
                secure=scope.get("scheme") == "https",
            )  # fmt: skip
            return answer
        is_in = self.sessions.actor(cookies(headers).get(self.key.cookie_name, "")) is not None
        return answer if is_in else _sign_in(headers)

    def _by_bearer(self, headers: Headers) -> "Actor | None":
        scheme, _, given = headers.get("authorization", "").partition(" ")
        return self.people.owner() if scheme.lower() == "bearer" and self.key.opens(given) else None


def cookies(headers: Headers) -> dict[str, str]:
    """The request's cookies. Ports share them: one that a neighbour has broken is passed over, the others are read."""
    return cookie_parser(headers.get("cookie", ""))


def _name(host: str) -> str:
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def _same_origin(scope: Scope, headers: Headers, ours: str) -> bool:
    """Whether a request comes from our own pages. A browser says its origin with whatever may change something, and
    with every reading by a script of another site; what is opened by a link or typed has none."""
    origin = headers.get("origin")
    if origin is not None:
        return origin.lower() == ours
    if scope["type"] == "http" and scope["method"] in READ_ONLY:
        return True
    return headers.get("sec-fetch-site", "none") in ("none", "same-origin")


def _scheme(scope: Scope) -> str:
    scheme = str(scope.get("scheme", "http"))
    return {"ws": "http", "wss": "https"}.get(scheme, scheme)


def _sign_in(headers: Headers) -> Response:
    """Says in both languages how to come in; to a program, in one line."""
    if "text/html" not in headers.get("accept", ""):
        return PlainTextResponse(SIGN_IN, status_code=401)
    page = render("auth/sign_in", languages=[Texts(language) for language in LANGUAGES])
    return HTMLResponse(str(page), status_code=401, headers={"cache-control": "no-store"})
