"""The form that makes practice problems: families, how many, how hard, and the seed that makes them again."""

from typing import TYPE_CHECKING

import gradio as gr
from markupsafe import Markup

from studio.engine.practice.families import DEMO_FAMILIES, FAMILIES
from studio.engine.practice.world import STANDARD_LEVEL
from studio.ui import links, parts
from studio.ui.text import Texts

if TYPE_CHECKING:
    from studio.engine.studio import Studio

LEVELS = 3
COUNT = 500


def build(studio: "Studio", t: Texts, goto: gr.Textbox) -> None:
    parts.html(
        Markup('<h2 class="section-title">{}</h2><p class="muted">{}</p>').format(t("making.title"), t("making.text"))
    )
    choices = [(t(f"family.{name}") if t.has(f"family.{name}") else name, name) for name in FAMILIES]
    families = gr.CheckboxGroup(choices, value=list(DEMO_FAMILIES), label=t("families"), elem_id="prompts-families")
    with gr.Row():
        count = gr.Number(COUNT, label=t("count"), minimum=1, precision=0, min_width=90, elem_id="prompts-count")
        levels = [(t(f"level.{level}"), level) for level in range(1, LEVELS + 1)]
        level = gr.Dropdown(levels, value=STANDARD_LEVEL, label=t("level"), min_width=110, elem_id="prompts-level")
        seed = gr.Number(0, label=t("seed"), precision=0, min_width=90, elem_id="prompts-seed")
    name = gr.Textbox(label=t("source.name"), max_lines=1, elem_id="prompts-practice-name")
    button = gr.Button(t("making.button"), elem_id="prompts-practice-button")

    def make(
        request: gr.Request, chosen: list[str], wanted: int | None, hard: int, sown: int | None, named: str
    ) -> str:
        here = parts.project_of(request, studio)
        source = here.prompts.practice(chosen, int(wanted or 0), int(sown or 0), named, level=hard)
        return links.to("prompts", here, source=source.name)

    given = [families, count, level, seed, name]
    button.click(parts.run_safely(make, t), given, goto, show_progress_on=button, api_visibility="private")
