"""Everything that leans on the insides of Gradio, so that an upgrade is checked in one place: bound pages, mounting,
the request behind an event, what an update shows.

    book(title, pages)          # [(name, path, build)] -> one gr.Blocks with a page for each; `build(blocks)` fills it
    mounted(blocks, theme)      # the FastAPI app to serve; uploads are checked from then on
    types_on(blocks)            # {"jobs": {"html", "button", ...}, ...}
    current_request()           # inside an event handler: the request of its page, None outside
    arrival()                   # ... the open page, and a number that says which of its events came later
    framed(page, ...)           # Gradio's page with our frame in it
    shown_by(value)             # what a returned value shows; updates are components, compared by their arguments
    by_component(result, outs)  # what a handler returned, as updates by component

`event_streams`, beside it, mends how Gradio closes a page's stream. `tests/ui/test_gradio_adapter.py` fails when Gradio
changes what is counted on here.
"""

import asyncio
import re
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

import gradio as gr
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from gradio.blocks import Block
from gradio.context import LocalContext
from gradio.routes import App
from starlette.types import Scope

from studio.ui.event_streams import ARRIVAL, EventStreams
from studio.ui.refusals import misunderstood

CONCURRENT_EVENTS = 8
"""Of one kind: tabs of one person must not wait for each other's polls."""

APP_TAG = "<gradio-app"
"""Where the app begins in a page's HTML; the frame is written before it."""

HASHED_FILES = "/assets/"
"""Gradio's own files, whose names change with their content."""
THEME = "/theme.css"
"""Its address changes with its content by a hash behind `?v=`."""

LOCALES = ("en", "zh-CN", "zh-TW")
"""What a browser may prefer, any other falling back to the first. The words are in the page's own language."""

WORDS = ("common.complete",)
"""Keys that Gradio asks for and has no word for in any language."""

Build = Callable[[gr.Blocks], None]
Made = TypeVar("Made")


def book(title: str, pages: Sequence[tuple[str, str, Build]]) -> gr.Blocks:
    """All pages in one Blocks, the first of them at its root."""
    return _in_a_loop(lambda: _book(title, pages))


def mounted(blocks: gr.Blocks, theme: gr.themes.Base, words: Mapping[str, str] | None = None) -> FastAPI:
    """The pages as a web app. Queued events look for their state in `blocks.app`: it is the app that is mounted, so
    that they share it with events that are not queued. `words` are those that Gradio lacks, by the keys that it would
    show."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "SSR mode is not supported")  # Said even when it was not asked for.
        outer = _in_a_loop(lambda: _mount(blocks, theme, words or {}))
    blocks.app = next(inner for route in outer.routes if isinstance(inner := getattr(route, "app", None), App))
    blocks.app.add_exception_handler(RequestValidationError, misunderstood)
    outer.add_middleware(EventStreams, queue=blocks._queue)
    blocks.has_launched = True  # Until then Gradio lets an event name any file of this machine as its upload.
    return outer


def types_on(blocks: gr.Blocks) -> dict[str, set[str]]:
    """Which types of components each page has, by the page's name; that of the first is empty."""
    config = blocks.config
    types = {one["id"]: str(one["type"]) for one in config["components"]}
    return {name: {types[number] for number in page["components"]} for name, page in config["page"].items()}


def current_request() -> Any:
    """The request of the page whose event is being handled; None outside an event."""
    return LocalContext.request.get(None)


def arrival() -> tuple[str, int]:
    """The open page whose event is being handled, and the event's number: of two, the later one's is higher. An empty
    name outside an event."""
    request = current_request()
    scope = getattr(getattr(request, "request", None), "scope", None) or {}
    return str(getattr(request, "session_hash", None) or ""), int(scope.get(ARRIVAL, 0))


def shown_by(value: Any) -> Any:
    """What a returned value shows: a component given as an update is compared by its arguments."""
    return getattr(value, "_constructor_args", value)


def by_component(result: Any, outputs: Sequence[Any]) -> dict[Any, Any]:
    """What a handler returned as updates by component: it may have returned them so, or one value for each output in
    order, one value for a single output, or one update for all."""
    if isinstance(result, dict) and all(isinstance(key, Block) for key in result):
        return dict(result)
    if len(outputs) == 1:
        return {outputs[0]: result}
    if isinstance(result, dict):
        return dict.fromkeys(outputs, result)
    return dict(zip(outputs, result, strict=True)) if outputs else {}


def uncompressed(scope: Scope) -> Scope:
    """Gradio compresses inside its mount: a page that is to be changed must come as it is."""
    headers = [(name, value) for name, value in scope["headers"] if name != b"accept-encoding"]
    return {**scope, "headers": headers}


def never_changes(scope: Scope) -> bool:
    """Whether what is at this address is one of Gradio's files and will always be the same."""
    path, query = scope["path"], scope["query_string"]
    return path.startswith(HASHED_FILES) or (path == THEME and query.startswith(b"v="))


def page_depends_on(scope: Scope) -> tuple[object, ...]:
    """All of a request for a page, but its language, on which Gradio's answer depends: it describes the components as
    they were built, and the address that they are asked under."""
    told = (b"host", b"x-forwarded-host", b"x-forwarded-proto", b"x-gradio-server")
    headers = tuple((name, value) for name, value in scope["headers"] if name in told)
    is_deep = b"deep_link" in scope["query_string"]
    return (
        scope["path"],
        scope["scheme"],
        scope.get("root_path", ""),
        headers,
        scope["query_string"] if is_deep else b"",
    )


def framed(page: str, *, nonce: str, attributes: str, head: str, before: str) -> str:
    """Gradio's page with `attributes` of its `<html>`, `head` at the end of its head, `before` in front of the app, and
    the nonce on each of its own scripts. What names other sites, its title and its base address are taken out."""
    page = _SCRIPT.sub(lambda found: f'<script nonce="{nonce}"{found[1]}', page)
    page = re.sub(r"<html\b[^>]*>", lambda _: f"<html {attributes}>", page, count=1)
    page = _UNWANTED.sub("", page)
    page = page.replace("</head>", f"{head}</head>", 1)
    return page.replace(APP_TAG, before + APP_TAG, 1)


_SCRIPT = re.compile(r"<script\b([^>]*>.*?</script>)", re.DOTALL)
"""A script with all that is in it: what stands inside one, the page's data among it, is given no nonce."""
_UNWANTED = re.compile(
    r"<(?:link|meta)\b[^>]*\"https?://[^\"]*\"[^>]*>|<script\b[^>]*src=\"https?://[^\"]*\"[^>]*>\s*</script>"
    r"|<base\b[^>]*>|<link\b[^>]*rel=\"manifest\"[^>]*>|<meta\b[^>]*(?:og:|twitter:)[^>]*>|<title>[^<]*</title>"
)
"""Gradio's page may name other sites, where nothing here may ask; its base address leads links like `?page=2` away."""


class _Book(gr.Blocks):
    """Pages bound together. Gradio describes all of them anew whenever one is finished; this waits for the last."""

    is_whole = False

    def get_config_file(self) -> Any:
        return super().get_config_file() if self.is_whole else {}

    def whole(self) -> "_Book":
        self.is_whole = True
        self.config = self.get_config_file()
        return self


def _book(title: str, pages: Sequence[tuple[str, str, Build]]) -> gr.Blocks:
    (_, _, first), *others = pages
    with _no_app_yet():
        with _Book(title=title, analytics_enabled=False, fill_width=True) as made:
            first(made)
        for name, path, build in others:
            with made.route(name, path, show_in_navbar=False):
                build(made)
        return made.queue(default_concurrency_limit=CONCURRENT_EVENTS).whole()


@contextmanager
def _no_app_yet() -> Iterator[None]:
    """Gradio also makes a web app of 80 routes whenever a page is finished, and throws it away when it is mounted: with
    every page in two languages that is most of the time from the command to the first page."""
    make = App.create_app
    App.create_app = staticmethod(lambda *_, **__: None)  # type: ignore[assignment,method-assign]
    try:
        yield
    finally:
        App.create_app = staticmethod(make)  # type: ignore[method-assign]


def _mount(blocks: gr.Blocks, theme: gr.themes.Base, words: Mapping[str, str]) -> FastAPI:
    return gr.mount_gradio_app(
        FastAPI(docs_url=None, redoc_url=None, openapi_url=None),
        blocks,
        path="/",
        server_name="127.0.0.1",
        theme=theme,
        i18n=gr.I18n(**{locale: dict(words) for locale in LOCALES}),
        footer_links=[],
        run_history=False,
        ssr_mode=False,
        show_error=False,
        max_file_size="2gb",
        auth_dependency=lambda request: "local",
    )


def _in_a_loop(make: Callable[[], Made]) -> Made:
    """Where no event loop runs, Gradio opens one for every lock it makes and closes none."""

    async def made() -> Made:
        return make()

    return make() if asyncio._get_running_loop() else asyncio.run(made())
