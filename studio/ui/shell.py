"""The list of pages, and the app made of them: one Gradio app for each language, chosen by the address or a cookie,
behind one guard and inside one frame.
"""

import asyncio
import importlib
import warnings
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Any, Protocol, TypeVar
from urllib.parse import parse_qsl, urlsplit

import gradio as gr
from anyio import to_thread
from fastapi import FastAPI
from gradio.routes import App
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from studio.ui import auth, frame, middleware, rate, routes, theme
from studio.ui.frame import Page
from studio.ui.text import LANGUAGES, Texts

if TYPE_CHECKING:
    from studio.engine.studio import Studio

PAGES = (
    Page("home"),
    Page("teachers", "data"),
    Page("prompts", "data"),
    Page("collect", "data"),
    Page("traces", "data"),
    Page("datasets", "data"),
    Page("train", "model"),
    Page("models", "model"),
    Page("compare", "judge"),
    Page("rate", "judge", plain=True),
    Page("jobs", "system"),
    Page("settings", "system"),
)

CONCURRENT_EVENTS = 8
"""Of one kind: tabs of one person must not wait for each other's polls."""

Made = TypeVar("Made")

LANGUAGE_COOKIE = "understudy-lang"


class Background(Protocol):
    """Something that works while the app runs: the worker of jobs."""

    def start(self) -> None: ...

    def stop(self) -> None: ...


def build_app(studio: "Studio", *, key: auth.Key, background: Background | None = None) -> FastAPI:
    """The whole app over one workspace. `background` starts and stops with it."""
    apps = {language: _gradio_app(studio, language) for language in LANGUAGES}

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            for app in apps.values():
                await stack.enter_async_context(app.router.lifespan_context(app))
            if background:
                background.start()
                stack.push_async_callback(to_thread.run_sync, background.stop)
            yield

    app = FastAPI(title="Understudy", lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url=None)
    app.include_router(routes.router(studio))
    app.include_router(rate.router(studio))
    app.mount("/", Picker(apps, studio.settings.language))
    app.add_middleware(middleware.Pages, draw=_Drawer(studio))
    app.add_middleware(auth.Guard, key=key)
    return app


def build_blocks(studio: "Studio", language: str) -> gr.Blocks:
    """Every page in one language."""
    return _in_a_loop(lambda: _blocks(studio, language))


def _blocks(studio: "Studio", language: str) -> gr.Blocks:
    home, *others = [page for page in PAGES if not page.plain]
    with _no_app_yet():
        with _Book(title="Understudy", analytics_enabled=False, fill_width=True) as demo:
            _build_page(demo, studio, home, language)
        for page in others:
            with demo.route(page.name, page.path, show_in_navbar=False):
                _build_page(demo, studio, page, language)
        return demo.queue(default_concurrency_limit=CONCURRENT_EVENTS).whole()


class _Book(gr.Blocks):
    """Pages bound together. Gradio describes all of them anew whenever one is finished; this waits for the last."""

    is_whole = False

    def get_config_file(self) -> Any:
        return super().get_config_file() if self.is_whole else {}

    def whole(self) -> "_Book":
        self.is_whole = True
        self.config = self.get_config_file()
        return self


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


class Picker:
    """ASGI: hands a request to the app of its language: the one in its address, in the address of the page that asks,
    in the cookie, or the default."""

    def __init__(self, apps: dict[str, FastAPI], default: str) -> None:
        self.apps = apps
        self.default = default if default in apps else next(iter(apps))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        app: ASGIApp = self.apps[language_of(scope, self.default)]
        await app(scope, receive, send)


def language_of(scope: Scope, default: str) -> str:
    """The language that a request is in."""
    headers = Headers(scope=scope)
    referring = urlsplit(headers.get("referer", "")).query
    asked = [
        query_of(scope).get("lang"),
        dict(parse_qsl(referring)).get("lang"),
        auth.cookies(headers).get(LANGUAGE_COOKIE),
    ]
    if scope["path"] in _paths():
        del asked[1]  # A page that is being opened does not take the language of the one that links to it.
    return next((language for language in asked if language in LANGUAGES), default)


def query_of(scope: Scope) -> dict[str, str]:
    return dict(parse_qsl(scope.get("query_string", b"").decode("latin-1")))


class _Drawer:
    """Draws the frame for a request, when it is for one of the pages."""

    def __init__(self, studio: "Studio") -> None:
        self.studio = studio
        self.version = routes.version_of(studio.settings.assets)

    async def __call__(self, scope: Scope, nonce: str) -> middleware.Frame | None:
        page = _paths().get(scope["path"])
        if page is None:
            return None
        return await to_thread.run_sync(self._frame, page, scope, nonce)

    def _frame(self, page: Page, scope: Scope, nonce: str) -> middleware.Frame:
        language = language_of(scope, self.studio.settings.language)
        t = Texts(language)
        view = self._view(page, query_of(scope).get("project", ""))
        return middleware.Frame(
            html_attributes=f'lang="{(tag := frame.lang_tag(language))}" data-tag="{tag}" data-lang="{language}"',
            head=frame.head(t, view, nonce),
            before=frame.before(t, view, PAGES),
            title=frame.title(t, view),
            cookie=f"{LANGUAGE_COOKIE}={language}; Path=/; SameSite=Lax; Max-Age=31536000",
        )

    def _view(self, page: Page, project: str) -> frame.View:
        names = [one.name for one in self.studio.projects.list()]
        name = project if project in names else self.studio.project.name
        here = self.studio if name == self.studio.project.name else self.studio.at(name)
        own = [f"css/{page.name}.css", f"js/{page.name}.js"]
        files = [file for file in own if (self.studio.settings.assets / file).is_file()]
        return frame.View(page.name, name, names, routes.running_count(here), self.version, files)


def _gradio_app(studio: "Studio", language: str) -> FastAPI:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "SSR mode is not supported")  # Said even when it was not asked for.
        return _in_a_loop(lambda: _mounted(build_blocks(studio, language)))


def _mounted(blocks: gr.Blocks) -> FastAPI:
    """The pages as a web app. Queued events look for their state in `blocks.app`: it is the app that is mounted, so
    that they share it with events that are not queued."""
    outer = gr.mount_gradio_app(
        FastAPI(docs_url=None, redoc_url=None, openapi_url=None),
        blocks,
        path="/",
        server_name="127.0.0.1",
        theme=theme.theme(),
        footer_links=[],
        run_history=False,
        ssr_mode=False,
        show_error=False,
        max_file_size="2gb",
        auth_dependency=lambda request: "local",
    )
    blocks.app = next(inner for route in outer.routes if isinstance(inner := getattr(route, "app", None), App))
    return outer


def _in_a_loop(make: Callable[[], Made]) -> Made:
    """Where no event loop runs, Gradio opens one for every lock it makes and closes none."""

    async def made() -> Made:
        return make()

    return make() if asyncio._get_running_loop() else asyncio.run(made())


def _build_page(demo: gr.Blocks, studio: "Studio", page: Page, language: str) -> None:
    """Pages are imported when an app is built, so that their list can be read without waiting for them."""
    importlib.import_module(f"studio.ui.pages.{page.name}").build(demo, studio, Texts(language, page.name))


def _paths() -> dict[str, Page]:
    return {page.path: page for page in PAGES if not page.plain}
