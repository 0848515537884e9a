"""The raters' page: plain HTML for people who need no account, on a phone too. `router(studio)` comes before the app.

    GET /r/{token}   the page      GET /r/{token}/next   the pair to judge
    POST /r/{token}/enter {invitation} makes one person a rater, once
    POST /r/{token}/vote {id, choice, seconds, name} and POST /r/{token}/undo answer with the next pair, once stored

A rater is a cookie that the server signed for this study. Until a vote is stored the browser has the prompt, two
answers and a random id, no more. Opening an invitation makes nobody a rater, since programs that preview links open
them too: the page's script sends it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Request
from fastapi.responses import FileResponse, HTMLResponse, JSONResponse, Response
from markupsafe import Markup
from pydantic import BaseModel, Field

from studio.engine.domain.states import StudyState
from studio.engine.errors import NotFound, NotInvited, StudioError
from studio.ui.languages import LANGUAGE_COOKIE
from studio.ui.parts import markdown
from studio.ui.rate_limits import RateLimits, address_of, is_public
from studio.ui.rendering import render
from studio.ui.text import LANGUAGES, Texts

if TYPE_CHECKING:
    from studio.engine.studio import Studio

COOKIE, COOKIE_OF_BEFORE = "rater-of-study", "rater"
A_YEAR = 31_536_000
FILES = {"rate.css": "text/css", "rate.js": "text/javascript"}
HEADERS = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; font-src 'self'; "
        "img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "cache-control": "no-store",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}
SAID = (
    "count", "preparing", "closed", "done", "thanks", "lost", "cookies", "loading", "undone", "busy", "invitation",
    "lookleft", "lookright", "offline", "toofast", "late", "gone",
)  # fmt: skip
"""Words that the script says."""
AGAIN = 20
"""Seconds after which a page that was held back comes by itself again."""
OPEN = "open"
WAYS: dict[str, str] = {StudyState.READY: OPEN, StudyState.PREPARING: "preparing"}
"""How a study's state looks from outside; everything else is closed."""


class Invitation(BaseModel):
    """What a rater's browser sends of a link that is good for one person."""

    invitation: str = Field(max_length=64)


class Judgement(BaseModel):
    """What a rater's browser sends."""

    id: str = Field(max_length=64)
    choice: str = Field(max_length=16)
    seconds: float | None = None
    name: str = Field(default="", max_length=200)


@dataclass(frozen=True)
class Door:
    """One request at a study: who asks, and in which language."""

    studio: "Studio"
    token: str
    rater: str

    def now(self) -> dict[str, Any]:
        """What to show next. `pair` is all that leaves the server about an item."""
        studies = self.studio.rated(self.token).studies
        study = studies.by_token(self.token)
        if study.state != StudyState.READY:
            return {"state": WAYS.get(study.state, "closed"), "pair": None, "done": 0, "total": 0}
        pair, progress = studies.next_pair(self.token, self.rater), studies.progress(self.token, self.rater)
        shown = None
        if pair is not None:
            shown = {
                "id": pair.id, "prompt": markdown.plain(pair.prompt), "left": markdown.render(pair.left),
                "right": markdown.render(pair.right), "position": pair.position, "total": pair.total,
            }  # fmt: skip
        return {"state": OPEN, "pair": shown, "done": progress.done, "total": progress.total}

    def vote(self, judgement: Judgement) -> dict[str, Any]:
        self.studio.rated(self.token).studies.vote(
            self.token, self.rater, judgement.id, judgement.choice, judgement.seconds, name=judgement.name
        )
        return self.now()

    def undo(self) -> dict[str, Any]:
        self.studio.rated(self.token).studies.undo(self.token, self.rater)
        return self.now()


@dataclass(frozen=True)
class Reception:
    """Who comes to the raters' pages, and who becomes a rater there."""

    studio: "Studio"
    limits: RateLimits

    def rater(self, request: Request, token: str) -> str | None:
        """The rater whose cookie came along. Raises NotFound for a link that leads to no study."""
        cookies = request.cookies
        return self.studio.rated(token).studies.rater(token, cookies.get(COOKIE, ""), cookies.get(COOKIE_OF_BEFORE, ""))

    def newcomer(self, request: Request, token: str, invitation: str = "") -> str:
        """The cookie of a new rater. Raises TooMany or NotInvited."""
        if not self.limits.newcomers.take(token, self._address(request)):
            raise TooMany
        return self.studio.rated(token).studies.admit(token, invitation)

    def check_pace(self, request: Request, token: str) -> None:
        """Raises TooMany when more votes come than people give."""
        if not self.limits.votes.take(token, self._address(request)):
            raise TooMany

    def remember(self, request: Request, answer: Response, token: str, cookie: str) -> Response:
        """Gives a new rater their cookie. Lax, since raters come from a link in a message."""
        settings = self.studio.settings
        is_secure = settings.public_url.startswith("https:") and is_public(request, settings.public_url)
        answer.set_cookie(
            COOKIE, cookie, max_age=A_YEAR, path=f"/r/{token}", httponly=True, samesite="lax",
            secure=is_secure or request.url.scheme == "https",
        )  # fmt: skip
        return answer

    def _address(self, request: Request) -> str:
        return address_of(request, self.studio.settings.public_url)


class TooMany(Exception):
    """More came within a minute than a study takes."""


def router(studio: "Studio", limits: RateLimits | None = None) -> APIRouter:
    """The routes under `/r`. They know a study by its token alone, whatever project it belongs to."""
    routes = APIRouter(prefix="/r", include_in_schema=False)
    reception = Reception(studio, limits or RateLimits())
    _add_pages(routes, studio, reception)
    _add_votes(routes, studio, reception)
    return routes


def _add_pages(routes: APIRouter, studio: "Studio", reception: Reception) -> None:
    @routes.get("/assets/{name}")
    def asset(name: str) -> Response:
        if name not in FILES:
            return _fault("not found", 404)
        headers = {"cache-control": "public, max-age=3600", "x-content-type-options": "nosniff"}
        return FileResponse(studio.settings.assets / "rate" / name, media_type=FILES[name], headers=headers)

    @routes.get("/{token}")
    def page(request: Request, token: str) -> Response:
        t = Texts(language_of(request, studio.settings.language), "rate")
        try:
            known, cookie = reception.rater(request, token), ""
            if known is None and not request.query_params.get("invitation"):
                cookie = reception.newcomer(request, token)
        except NotFound:
            return _page(_message(t, t("unknown.title"), t("unknown.text")), t, status=404)
        except NotInvited:
            return _page(_message(t, t("invitation.title"), t("say.invitation")), t, status=403)
        except TooMany:
            return _page(_busy(t), t, status=429)
        answer = _page(_rating(t, token), t)
        if "lang" in request.query_params:
            answer.set_cookie(LANGUAGE_COOKIE, t.language, max_age=A_YEAR, path="/", samesite="lax")
        return reception.remember(request, answer, token, cookie) if cookie else answer


def _add_votes(routes: APIRouter, studio: "Studio", reception: Reception) -> None:
    def admitted(request: Request, token: str, invitation: str = "") -> Response:
        """The next pair; of a newcomer with the cookie that makes them a rater."""
        if (known := reception.rater(request, token)) is not None:
            return JSONResponse(Door(studio, token, known).now(), headers=HEADERS)
        cookie = reception.newcomer(request, token, invitation)
        rater = studio.rated(token).studies.rater(token, cookie) or ""
        answer = JSONResponse(Door(studio, token, rater).now(), headers=HEADERS)
        return reception.remember(request, answer, token, cookie)

    def judged(request: Request, token: str, act: Callable[[Door], dict[str, Any]]) -> Response:
        """What a vote or taking one back leads to, of somebody who is a rater of this study."""
        rater = reception.rater(request, token)
        reception.check_pace(request, token)
        if rater is None:
            return _fault("no cookie", 400)
        return JSONResponse(act(Door(studio, token, rater)), headers=HEADERS)

    @routes.get("/{token}/next")
    def next_pair(request: Request, token: str) -> Response:
        return _answer(request, studio, lambda: admitted(request, token))

    @routes.post("/{token}/enter")
    def enter(request: Request, token: str, given: Invitation) -> Response:
        return _answer(request, studio, lambda: admitted(request, token, given.invitation))

    @routes.post("/{token}/vote")
    def vote(request: Request, token: str, judgement: Judgement) -> Response:
        return _answer(request, studio, lambda: judged(request, token, lambda door: door.vote(judgement)))

    @routes.post("/{token}/undo")
    def undo(request: Request, token: str) -> Response:
        return _answer(request, studio, lambda: judged(request, token, Door.undo))


def language_of(request: Request, default: str) -> str:
    """The language asked for, remembered, or preferred by the browser."""
    preferred = [
        part.split(";")[0].strip()[:2].lower() for part in request.headers.get("accept-language", "").split(",")
    ]
    wishes = [request.query_params.get("lang", ""), request.cookies.get(LANGUAGE_COOKIE, ""), *preferred, default]
    return next((wish for wish in wishes if wish in LANGUAGES), "en")


def _answer(request: Request, studio: "Studio", act: Callable[[], Response]) -> Response:
    t = Texts(language_of(request, studio.settings.language), "rate")
    try:
        return act()
    except TooMany:
        return _fault("too many", 429)
    except NotInvited:
        return _fault("invitation", 403)
    except NotFound as exc:
        return _fault(t.told(exc.message), 404)
    except StudioError as exc:
        return _fault(t.told(exc.message), 409 if exc.exit_code == 2 else 503)


def _fault(message: str, status: int) -> JSONResponse:
    return JSONResponse({"error": message}, status_code=status, headers=HEADERS | _wait(status))


def _page(body: Markup, t: Texts, status: int = 200) -> HTMLResponse:
    other = next(language for language in LANGUAGES if language != t.language)
    tag = "zh-CN" if t.language == "zh" else t.language
    html = render("rate/page", t=t, tag=tag, other=other, other_name=LANGUAGES[other], body=body)
    return HTMLResponse(str(html), status_code=status, headers=HEADERS | _wait(status))


def _wait(status: int) -> dict[str, str]:
    return {"retry-after": "60"} if status == 429 else {}


def _message(t: Texts, title: str, text: str) -> Markup:
    return render("rate/message", said=[(t.language, title, text)], again=None)


def _busy(t: Texts) -> Markup:
    """In every language, the reader's first."""
    every = [t, *(Texts(language, "rate") for language in LANGUAGES if language != t.language)]
    said = [(one.language, one("busy.title"), one("say.busy")) for one in every]
    return render("rate/message", said=said, again=AGAIN)


def _rating(t: Texts, token: str) -> Markup:
    """The page before any pair has come: empty boxes, buttons, and the words that the script says."""
    return render("rate/rating", t=t, token=token, said=SAID)
