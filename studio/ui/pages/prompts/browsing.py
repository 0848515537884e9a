"""The list of sources, and one source with its prompts a page at a time."""

from typing import TYPE_CHECKING, Any

import gradio as gr

from studio.ui import links, parts
from studio.ui.pages.prompts import diversity, views
from studio.ui.text import Texts

if TYPE_CHECKING:
    from studio.engine.studio import Studio

PAGE_ROWS = 50
MIX_ROWS = 6
SEARCH = """(words) => {
  const url = new URL(location.href);
  url.searchParams.delete("after");
  words ? url.searchParams.set("q", words) : url.searchParams.delete("q");
  location.href = url;
}"""
PRIVATE: dict[str, Any] = {"api_visibility": "private"}


def build_list(page: gr.Blocks, studio: "Studio", t: Texts) -> None:
    """All sources of the project."""
    listed = parts.html(elem_id="prompts-list")

    def show_list(request: gr.Request) -> str:
        here = parts.project_of(request, studio)
        return str(views.sources(t, here, here.prompts.sources()))

    page.load(parts.run_safely(show_list, t), None, listed, show_progress="hidden", **PRIVATE)


def build_source(page: gr.Blocks, studio: "Studio", t: Texts, goto: gr.Textbox) -> None:
    """One source: where it came from and what is in it. The search and the place are in the address."""
    about = parts.html(elem_id="prompts-about")
    diversity.build(studio, t)
    with gr.Row(elem_classes="toolbar"):
        search = gr.Textbox(
            label=t("search.prompts"),
            max_lines=1,
            elem_id="prompts-search",
            elem_classes="search",
            min_width=220,
            scale=3,
        )
        button = gr.Button(t("search"), elem_id="prompts-search-button", scale=0, min_width=110)
    rows = parts.html(elem_id="prompts-rows")
    with gr.Row():
        delete = parts.confirm_button(
            t, t("delete.source"), question=t("delete.ask"), yes=t("delete.yes"), elem_id="prompts-delete", size="sm"
        )

    def show_source(request: gr.Request) -> dict[Any, Any]:
        name = parts.query_value(request, "source")
        if not name or parts.query_value(request, "tab") not in ("", "sources"):
            return {about: gr.skip()}
        here = parts.project_of(request, studio)
        query, after = parts.query_value(request, "q"), place_of(parts.query_value(request, "after"))
        found = here.prompts.source(name)
        page = here.prompts.page(name, query=query, after=after, limit=PAGE_ROWS)
        mix = here.prompts.mix(name, MIX_ROWS)
        return {
            about: str(views.source(t, here, found, mix)),
            rows: str(views.rows(t, here, name, page, query=query, limit=PAGE_ROWS)),
            search: query,
        }

    def remove_source(request: gr.Request) -> str:
        here = parts.project_of(request, studio)
        here.prompts.delete(parts.query_value(request, "source"))
        return links.to("prompts", here)

    page.load(parts.run_safely(show_source, t), None, [about, rows, search], show_progress="hidden", **PRIVATE)
    search.submit(None, [search], js=SEARCH, **PRIVATE)
    button.click(None, [search], js=SEARCH, **PRIVATE)
    delete.click(parts.run_safely(remove_source, t), None, goto, **PRIVATE)


def place_of(text: str) -> int | None:
    """A place in the address as a number; anything else is the beginning."""
    return int(text) if text.isdecimal() and len(text) < 16 else None
