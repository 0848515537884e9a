"""What stands between a page's event and the engine: the address says which project is meant, and who asks.

def keep(trace_id: int, request: gr.Request) -> str:
    here = project_of(request, studio)
    here.traces.label([trace_id], "keep", by=person_of(request, studio))
    return view(here)

say(t("kept", n=3))            # a short notice of success; the text is escaped
"""

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import gradio as gr
from markupsafe import escape
from starlette.requests import Request

from studio.engine.settings import Settings
from studio.ui import gradio_adapter
from studio.ui.languages import language_of

if TYPE_CHECKING:
    from studio.engine.domain.permissions import Actor
    from studio.engine.studio import Studio

ACTOR = "understudy.actor"
"""Where in a request's scope it says from whom it comes."""
log = logging.getLogger("studio.ui")


def project_of(request: gr.Request | Request | None, studio: "Studio") -> "Studio":
    """The studio of the project in the page's address, for whoever asks. Raises NotFound for a name that no project
    has."""
    studio = studio.acting_for(actor_of(request, studio))
    params = getattr(request, "query_params", None) or {}
    return studio.find(str(params.get("project", "")))


def query_value(request: gr.Request | None, name: str, default: str = "") -> str:
    """One value of the page's query string."""
    params = getattr(request, "query_params", None) or {}
    return str(params.get(name, default) or default)


def actor_of(request: gr.Request | Request | None, studio: "Studio") -> "Actor":
    """Who is asking, of a page or of a plain route, as the guard found."""
    scope = getattr(getattr(request, "request", request), "scope", None) or {}
    return actor_in(scope, studio)


def actor_in(scope: Mapping[str, Any], studio: "Studio") -> "Actor":
    """From whom a request of that scope comes: the owner, or a colleague who came by a link of their own."""
    return scope.get(ACTOR) or studio.actor


def person_of(request: gr.Request | None, studio: "Studio") -> str:
    """The name of whoever is asking."""
    return actor_of(request, studio).name


def say(text: str, *, title: str = "", warning: bool = False) -> None:
    """A short notice that goes away by itself. Gradio renders notices as HTML, so the text is escaped here."""
    show = gr.Warning if warning else gr.Info
    show(str(escape(text)), duration=8 if warning else 5, title=str(escape(title)) or ("!" if warning else "✓"))


def language_of_event() -> str:
    """The language of the page whose event is being handled."""
    scope = getattr(getattr(gradio_adapter.current_request(), "request", None), "scope", None)
    default = Settings().language
    return language_of(scope, default) if scope else default
