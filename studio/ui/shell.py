"""The list of pages, and the app made of them: one Gradio app for each language, chosen by the address or a cookie,
behind one guard and inside one frame.
"""

import importlib
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import gradio as gr
from anyio import to_thread
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.types import ASGIApp, Receive, Scope, Send

from studio.engine.store import host_of
from studio.ui import auth, frame, gradio_adapter, gradio_files, languages, logging_out, middleware, rate, routes, theme
from studio.ui.frame import Page
from studio.ui.one_time_links import OneTimeLinks
from studio.ui.page import Page as OpenPage
from studio.ui.parts.handlers import actor_in
from studio.ui.readable_text import ReadableText
from studio.ui.refusals import BodyLimits, misunderstood
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


FILES_COOKIE = "understudy-files"
"""Says that the browser has all of Gradio's files that any page needs, and of which version."""


class Background(Protocol):
    """Something that works while the app runs: the worker of jobs, what empties bins."""

    def start(self) -> None: ...

    def stop(self) -> None: ...


def build_app(studio: "Studio", *, key: auth.Key, background: Sequence[Background] = ()) -> FastAPI:
    """The whole app over one workspace. What is in `background` starts and stops with it."""
    built = {language: build_blocks(studio, language) for language in LANGUAGES}
    apps = {
        language: gradio_adapter.mounted(blocks, theme.theme(), gradios_words(language))
        for language, blocks in built.items()
    }
    types = gradio_adapter.types_on(built[studio.settings.language])

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            for app in apps.values():
                await stack.enter_async_context(app.router.lifespan_context(app))
            for one in background:
                one.start()
                stack.push_async_callback(to_thread.run_sync, one.stop)
            yield

    app = FastAPI(title="Understudy", lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url=None)
    app.add_exception_handler(RequestValidationError, misunderstood)
    app.include_router(routes.router(studio))
    app.include_router(logging_out.router(studio))
    app.include_router(rate.router(studio))
    app.mount("/", Picker(apps, studio.settings.language))
    app.add_middleware(middleware.Pages, draw=_Drawer(studio, types))
    app.add_middleware(ReadableText)
    settings = studio.settings
    app.add_middleware(
        auth.Guard, key=key, people=studio.people, sessions=studio.sessions,
        links=OneTimeLinks(settings.workspace), host=host_of(settings), public_url=settings.public_url,
    )  # fmt: skip
    app.add_middleware(BodyLimits)
    app.add_middleware(middleware.SecurityHeaders)
    return app


def build_blocks(studio: "Studio", language: str) -> gr.Blocks:
    """Every page in one language."""
    built = [page for page in PAGES if not page.plain]
    return gradio_adapter.book(
        "Understudy", [(page.name, page.path, partial(_build_page, studio, page, language)) for page in built]
    )


def gradios_words(language: str) -> dict[str, str]:
    """What Gradio itself has no word for, by its keys."""
    return {key: Texts(language)(f"gradio.{key}") for key in gradio_adapter.WORDS}


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
    """The language that a request to one of the pages, or of one, is in."""
    return languages.language_of(scope, default, is_opened=scope["path"] in _paths())


class _Drawer:
    """Draws the frame for a request, when it is for one of the pages."""

    def __init__(self, studio: "Studio", types: Mapping[str, set[str]]) -> None:
        """`types` are those of the components on each page, as `gradio_adapter.types_on` tells."""
        self.studio = studio
        self.version = routes.version_of(studio.settings.assets)
        self.files = {name or "home": gradio_files.needed_by(found) for name, found in types.items()}
        own = (name for page in PAGES for name in _own_files(page, studio.settings.assets))
        self.every = list(dict.fromkeys(file for files in self.files.values() for file in files))
        self.every += [frame.own_path(name, self.version) for name in own]
        self.fetched = f"{self.version}-{gradio_files.VERSION}"
        """What a browser's cookie says once it has all of them."""

    async def __call__(self, scope: Scope, nonce: str) -> middleware.Frame | None:
        page = _paths().get(scope["path"])
        if page is None:
            return None
        return await to_thread.run_sync(self._frame, page, scope, nonce)

    def _frame(self, page: Page, scope: Scope, nonce: str) -> middleware.Frame:
        language = language_of(scope, self.studio.settings.language)
        t = Texts(language)
        studio = self.studio.acting_for(actor_in(scope, self.studio))
        has_files = languages.cookies_of(scope).get(FILES_COOKIE) == self.fetched
        view = self._view(studio, page, languages.query_of(scope).get("project", ""))
        if not has_files:
            view = replace(view, **self._files_of(page))
        return middleware.Frame(
            html_attributes=f'lang="{(tag := frame.lang_tag(language))}" data-tag="{tag}" data-lang="{language}"',
            head=frame.head(t, view, nonce),
            before=frame.before(t, view, PAGES),
            cookie=f"{languages.LANGUAGE_COOKIE}={language}; Path=/; SameSite=Lax; Max-Age=31536000",
        )

    def _view(self, studio: "Studio", page: Page, project: str) -> frame.View:
        names = [one.name for one in studio.projects.list()] or [studio.find("").project.name]
        here = studio.find(project if project in names else "")
        files = _own_files(page, studio.settings.assets)
        return frame.View(page.name, here.project.name, names, routes.running_count(here), self.version, files)

    def _files_of(self, page: Page) -> dict[str, Any]:
        """What of Gradio's the browser fetches at once, and what it fetches later for the other pages."""
        now = self.files[page.name]
        later = [file for file in self.every if file not in now]
        return {"gradio_files": now, "later_files": later, "fetched": f"{FILES_COOKIE}={self.fetched}"}


def _build_page(studio: "Studio", page: Page, language: str, blocks: gr.Blocks) -> None:
    """Pages are imported when an app is built, so that their list can be read without waiting for them."""
    build = importlib.import_module(f"studio.ui.pages.{page.name}").build
    build(OpenPage(blocks, studio, Texts(language, page.name)), studio)


def _own_files(page: Page, assets: Path) -> list[str]:
    """The style and the script of a page, where it has some."""
    return [name for name in (f"css/{page.name}.css", f"js/{page.name}.js") if (assets / name).is_file()]


def _paths() -> dict[str, Page]:
    return {page.path: page for page in PAGES if not page.plain}
