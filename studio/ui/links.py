"""Addresses inside the app. The project and what is selected travel in the query string, so that a link can be shared.

links.to("traces", studio, run="r1", label="keep")   ->  /traces?project=default&run=r1&label=keep
links.with_query(request, after="123")                ->  the same page, one parameter changed (None removes it)
"""

from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import gradio as gr

if TYPE_CHECKING:
    from studio.engine.studio import Studio

OWN = "/own"
"""Where the shipped css, scripts, icons and fonts are served. Gradio has `/assets` for its own."""


def to(page: str, studio: "Studio | str", **query: Any) -> str:
    """The address of a page in this studio's project; `None` and empty values are left out."""
    project = studio if isinstance(studio, str) else studio.project.name
    path = "/" if page in ("", "home") else f"/{page}"
    return path + _query({"project": project, **query})


def with_query(request: gr.Request | None, **changes: Any) -> str:
    """The page that sent this request with some parameters changed, without a path so that it stays on the page."""
    return _query({**query_of(request), **changes}) or "?"


def query_of(request: gr.Request | None) -> dict[str, str]:
    """The page's own query string as a plain dictionary; empty in a test without a request."""
    params = getattr(request, "query_params", None) or {}
    return {str(key): str(value) for key, value in dict(params).items() if key not in ("token", "session_hash")}


def model_file(studio: "Studio | str", model: str, quantization: str) -> str:
    """Where the browser downloads a model's GGUF file (authenticated, can be resumed)."""
    project = studio if isinstance(studio, str) else studio.project.name
    return "/download/model" + _query({"project": project, "model": model, "quantization": quantization})


def _query(values: dict[str, Any]) -> str:
    kept = [(key, str(value)) for key, value in values.items() if value is not None and value != ""]
    return "?" + urlencode(kept) if kept else ""
