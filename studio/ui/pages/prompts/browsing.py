"""One source with its prompts a page at a time."""

from typing import TYPE_CHECKING, Any

import gradio as gr

from studio.engine.bin import ThingKind
from studio.ui import links, parts
from studio.ui.page import Page
from studio.ui.pages.prompts import diversity
from studio.ui.pages.prompts import prompts_views as views
from studio.ui.parts.thing_actions import thing_actions

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


def build_source(page: Page) -> None:
    """One source: where it came from and what is in it. The search and the place are in the address."""
    t = page.t
    about = parts.html(elem_id="prompts-about")
    diversity.build(page)
    actions = thing_actions(page, ThingKind.PROMPTS, "prompts-thing", address)
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

    def show_source(request: gr.Request) -> dict[Any, Any]:
        name = parts.query_value(request, "source")
        if not name or parts.query_value(request, "tab") not in ("", "sources"):
            return {about: gr.skip()}
        here = page.project(request)
        query, after = parts.query_value(request, "q"), place_of(parts.query_value(request, "after"))
        found = here.prompts.source(name)
        found_page = here.prompts.page(name, query=query, after=after, limit=PAGE_ROWS)
        mix = here.prompts.mix(name, MIX_ROWS)
        return {
            about: str(views.source(t, here, found, mix)),
            rows: str(views.rows(t, here, name, found_page, query=query, limit=PAGE_ROWS)),
            search: query,
            **actions.updates(found.name, is_away=found.archived_at is not None),
        }

    page.load(show_source, outputs=[about, rows, search, *actions.outputs])
    search.submit(None, [search], js=SEARCH, **PRIVATE)
    button.click(None, [search], js=SEARCH, **PRIVATE)


def address(here: "Studio", name: str) -> str:
    """The page of a source; of all of them for an empty name."""
    return links.to("prompts", here, source=name)


def place_of(text: str) -> int | None:
    """A place in the address as a number; anything else is the beginning."""
    return int(text) if text.isdecimal() and len(text) < 16 else None
