"""The raters' page: plain HTML for people who need no account, on a phone too. `router(studio)` comes before the app.

    GET /r/{token}   the page      GET /r/{token}/next   the pair to judge
    POST /r/{token}/vote {id, choice, seconds, name} and POST /r/{token}/undo answer with the next pair, once stored

A rater is a random cookie. Until a vote is stored the browser has the prompt, two answers and a random id, no more.
"""

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Cookie, Request
from fastapi.responses import FileResponse, HTMLResponse, JSONResponse, Response
from markupsafe import Markup
from pydantic import BaseModel, Field

from studio.engine.errors import NotFound, StudioError
from studio.ui.parts import markdown
from studio.ui.text import LANGUAGES, Texts

if TYPE_CHECKING:
    from studio.engine.studio import Studio

COOKIE = "rater"
LANGUAGE_COOKIE = "understudy-lang"
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
WAYS = {"ready": "open", "preparing": "preparing"}
"""How a study's state looks from outside; everything else is closed."""


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
        studies = self.studio.studies
        state = WAYS.get(studies.by_token(self.token).state, "closed")
        if state != "open":
            return {"state": state, "pair": None, "done": 0, "total": 0}
        pair, progress = studies.next_pair(self.token, self.rater), studies.progress(self.token, self.rater)
        shown = None
        if pair is not None:
            shown = {
                "id": pair.id, "prompt": markdown.plain(pair.prompt), "left": markdown.render(pair.left),
                "right": markdown.render(pair.right), "position": pair.position, "total": pair.total,
            }  # fmt: skip
        return {"state": state, "pair": shown, "done": progress.done, "total": progress.total}

    def vote(self, judgement: Judgement) -> dict[str, Any]:
        self.studio.studies.vote(
            self.token, self.rater, judgement.id, judgement.choice, judgement.seconds, name=judgement.name
        )
        return self.now()

    def undo(self) -> dict[str, Any]:
        self.studio.studies.undo(self.token, self.rater)
        return self.now()


Rater = Annotated[str, Cookie(alias=COOKIE)]


def router(studio: "Studio") -> APIRouter:
    """The routes under `/r`. They know a study by its token alone, whatever project it belongs to."""
    routes = APIRouter(prefix="/r", include_in_schema=False)

    @routes.get("/assets/{name}")
    def asset(name: str) -> Response:
        if name not in FILES:
            return _fault("not found", 404)
        headers = {"cache-control": "public, max-age=3600", "x-content-type-options": "nosniff"}
        return FileResponse(studio.settings.assets / "rate" / name, media_type=FILES[name], headers=headers)

    @routes.get("/{token}")
    def page(request: Request, token: str, rater: Rater = "") -> Response:
        t = Texts(language_of(request, studio.settings.language), "rate")
        try:
            studio.studies.by_token(token)
        except NotFound:
            return _page(_message(t, t("unknown.title"), t("unknown.text")), t, status=404)
        answer = _page(_rating(t, token), t)
        if "lang" in request.query_params:
            answer.set_cookie(LANGUAGE_COOKIE, t.language, max_age=A_YEAR, path="/", samesite="lax")
        return _remembered(request, answer, rater)

    @routes.get("/{token}/next")
    def next_pair(request: Request, token: str, rater: Rater = "") -> Response:
        known = rater if _is_rater(rater) else _new_rater()
        answer = _answer(Door(studio, token, known).now)
        return _remembered(request, answer, known, always=known != rater)

    @routes.post("/{token}/vote")
    def vote(token: str, judgement: Judgement, rater: Rater = "") -> Response:
        if not _is_rater(rater):
            return _fault("no cookie", 400)
        return _answer(lambda: Door(studio, token, rater).vote(judgement))

    @routes.post("/{token}/undo")
    def undo(token: str, rater: Rater = "") -> Response:
        if not _is_rater(rater):
            return _fault("no cookie", 400)
        return _answer(Door(studio, token, rater).undo)

    return routes


def language_of(request: Request, default: str) -> str:
    """The language asked for, remembered, or preferred by the browser."""
    preferred = [
        part.split(";")[0].strip()[:2].lower() for part in request.headers.get("accept-language", "").split(",")
    ]
    wishes = [request.query_params.get("lang", ""), request.cookies.get(LANGUAGE_COOKIE, ""), *preferred, default]
    return next((wish for wish in wishes if wish in LANGUAGES), "en")


def _is_rater(cookie: str) -> bool:
    return len(cookie) == 32 and all(letter in "0123456789abcdef" for letter in cookie)


def _new_rater() -> str:
    return secrets.token_hex(16)


def _remembered(request: Request, answer: Response, rater: str, *, always: bool = False) -> Response:
    """Gives a browser that has none its cookie. Lax, since raters come from a link in a message."""
    if always or not _is_rater(rater):
        answer.set_cookie(
            COOKIE, rater if _is_rater(rater) else _new_rater(), max_age=A_YEAR, path="/r", httponly=True,
            samesite="lax", secure=request.url.scheme == "https",
        )  # fmt: skip
    return answer


def _answer(act: Any) -> Response:
    try:
        return JSONResponse(act(), headers=HEADERS)
    except NotFound as exc:
        return _fault(exc.message, 404)
    except StudioError as exc:
        return _fault(exc.message, 409 if exc.exit_code == 2 else 503)


def _fault(message: str, status: int) -> JSONResponse:
    return JSONResponse({"error": message}, status_code=status, headers=HEADERS)


def _page(body: Markup, t: Texts, status: int = 200) -> HTMLResponse:
    other = next(language for language in LANGUAGES if language != t.language)
    html = Markup(
        '<!doctype html><html lang="{}"><head><meta charset="utf-8"><title>{}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="robots" content="noindex">'
        '<link rel="icon" href="data:,"><link rel="stylesheet" href="/own/css/colours.css">'
        '<link rel="stylesheet" href="/r/assets/rate.css"><script src="/own/js/early.js"></script>'
        '<script defer src="/r/assets/rate.js"></script></head><body>'
        '<header class="top"><h1>{}</h1><p id="count" aria-live="polite"></p>'
        '<a href="?lang={}" lang="{}" hreflang="{}">{}</a>'
        '<button type="button" id="look" aria-label="{}" title="{}">◐</button>'
        '<div id="bar" role="progressbar" aria-label="{}" aria-valuemin="0" aria-valuenow="0"><i></i></div></header>'
        "{}</body></html>"
    ).format(
        "zh-CN" if t.language == "zh" else t.language, t("question"), t("question"), other, other, other,
        LANGUAGES[other], t("look"), t("look"), t("progress"), body,
    )  # fmt: skip
    return HTMLResponse(str(html), status_code=status, headers=HEADERS)


def _message(t: Texts, title: str, text: str) -> Markup:
    return Markup('<main class="message"><h2>{}</h2><p>{}</p></main>').format(title, text)


def _rating(t: Texts, token: str) -> Markup:
    """The page before any pair has come: empty boxes, buttons, and the words that the script says."""
    words = Markup().join(
        Markup(' data-{}="{}"').format(key, t(f"say.{key}"))
        for key in ("count", "preparing", "closed", "done", "thanks", "lost", "cookies", "loading", "undone")
    )
    sides = Markup().join(_side(t, side) for side in ("left", "right"))
    return Markup(
        '<main id="rate" data-token="{}"{}>'
        '<section class="prompt"><h2>{}</h2><div id="prompt" tabindex="0"></div></section>'
        '<nav class="switch" aria-label="{}"><button type="button" data-side="left" aria-pressed="true">{}</button>'
        '<button type="button" data-side="right" aria-pressed="false">{}</button></nav>'
        '<div class="answers" data-side="left">{}</div>'
        '<section id="message" hidden><h2></h2><p></p></section></main>'
        '<footer class="votes"><p id="alert" role="alert"></p><div class="main">{}{}{}{}</div><div class="rest">{}{}'
        '<label>{} <input id="name" maxlength="60" autocomplete="nickname"></label></div></footer>'
    ).format(
        token, words, t("prompt"), t("switch"), t("side.left"), t("side.right"), sides,
        _button(t, "left", "1"), _button(t, "tie", "0"), _button(t, "both_bad", "9"), _button(t, "right", "2"),
        _button(t, "skip", "s"), _button(t, "undo", "u"), t("name"),
    )  # fmt: skip


def _side(t: Texts, side: str) -> Markup:
    return Markup(
        '<article id="{}" class="answer" aria-labelledby="{}-name"><h2 id="{}-name">{}</h2>'
        '<div class="text"></div></article>'
    ).format(side, side, side, t(f"side.{side}"))


def _button(t: Texts, choice: str, key: str) -> Markup:
    return Markup(
        '<button type="button" data-choice="{}" disabled aria-keyshortcuts="{}">{} <kbd>{}</kbd></button>'
    ).format(choice, key, t(f"vote.{choice}"), key)
