"""What stands between a page's event and the engine: errors become notices, the address says which project is meant.

@run_safely
def keep(trace_id: int, request: gr.Request) -> str:
    here = project_of(request, studio)
    here.traces.label([trace_id], "keep", by=person_of(request))
    return view(here)

say(t("kept", n=3))            # a short notice of success; the text is escaped
"""

import functools
import inspect
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NoReturn

import gradio as gr
from gradio.context import LocalContext
from markupsafe import escape

from studio.engine.errors import StudioError
from studio.ui.text import LANGUAGES, Texts

if TYPE_CHECKING:
    from studio.engine.studio import Studio

log = logging.getLogger("studio.ui")


def run_safely(handler: Callable[..., Any], t: Texts | None = None) -> Callable[..., Any]:
    """Wraps an event handler (or generator). A StudioError is shown as its own sentence, escaped; anything else is
    logged with its traceback and shown as one calm sentence. Without `t` the language is that of the page."""
    if inspect.isgeneratorfunction(handler):

        @functools.wraps(handler)
        def stream(*values: Any, **named: Any) -> Any:
            try:
                yield from handler(*values, **named)
            except Exception as exc:
                _tell(exc, handler, t)

        return stream

    @functools.wraps(handler)
    def call(*values: Any, **named: Any) -> Any:
        try:
            return handler(*values, **named)
        except Exception as exc:
            _tell(exc, handler, t)

    return call


def project_of(request: gr.Request | None, studio: "Studio") -> "Studio":
    """The studio of the project in the page's address. Raises NotFound for a name that no project has."""
    params = getattr(request, "query_params", None) or {}
    name = str(params.get("project", "") or studio.project.name)
    if name == studio.project.name:
        return studio
    studio.projects.find(name)
    return studio.at(name)


def query_value(request: gr.Request | None, name: str, default: str = "") -> str:
    """One value of the page's query string."""
    params = getattr(request, "query_params", None) or {}
    return str(params.get(name, default) or default)


def person_of(request: gr.Request | None) -> str:
    """Who is asking: the signed-in name, `local` in the app on one's own machine."""
    return str(getattr(request, "username", None) or "local")


def say(text: str, *, title: str = "", warning: bool = False) -> None:
    """A short notice that goes away by itself. Gradio renders notices as HTML, so the text is escaped here."""
    show = gr.Warning if warning else gr.Info
    show(str(escape(text)), duration=8 if warning else 5, title=str(escape(title)) or ("!" if warning else "✓"))


def language_of_event() -> str:
    """The language of the page whose event is being handled."""
    request = LocalContext.request.get(None)
    chosen = query_value(request, "lang") or (getattr(request, "cookies", None) or {}).get("lang", "")
    return chosen if chosen in LANGUAGES else "en"


def _tell(exc: Exception, handler: Callable[..., Any], t: Texts | None) -> NoReturn:
    if isinstance(exc, gr.Error):
        raise exc
    words = t or Texts(language_of_event())
    if isinstance(exc, StudioError):
        raise gr.Error(
            str(escape(exc.message)), duration=None, title=words("error.title"), print_exception=False
        ) from exc
    log.error("the handler %s.%s failed", handler.__module__, handler.__qualname__, exc_info=exc)
    message = words("error.unexpected", kind=type(exc).__name__)
    raise gr.Error(str(escape(message)), duration=None, title=words("error.title"), print_exception=False) from exc
