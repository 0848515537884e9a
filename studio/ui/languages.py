"""In which language somebody is answered."""

from urllib.parse import parse_qsl, urlsplit

from starlette.datastructures import Headers
from starlette.requests import cookie_parser
from starlette.types import Scope

from studio.ui.catalogue import LANGUAGES

LANGUAGE_COOKIE = "understudy-lang"


def language_of(scope: Scope, default: str, *, is_opened: bool = False) -> str:
    """The language that a request is in: the one in its address, in the address of the page that asks, in the cookie,
    or the default. A page that is being opened does not take the language of the one that links to it."""
    headers = Headers(scope=scope)
    referring = "" if is_opened else urlsplit(headers.get("referer", "")).query
    asked = (
        query_of(scope).get("lang"),
        dict(parse_qsl(referring)).get("lang"),
        cookies_of(scope).get(LANGUAGE_COOKIE),
    )
    return next((language for language in asked if language in LANGUAGES), default)


def cookies_of(scope: Scope) -> dict[str, str]:
    return cookie_parser(Headers(scope=scope).get("cookie", ""))


def query_of(scope: Scope) -> dict[str, str]:
    return dict(parse_qsl(scope.get("query_string", b"").decode("latin-1")))
