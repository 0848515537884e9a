"""The form that makes practice problems: families, how many, how hard, and the seed that makes them again."""

import gradio as gr

from studio.engine.domain.bounds import PRACTICE_PROMPTS, SEED
from studio.engine.domain.names import LONGEST_SOURCE
from studio.engine.practice import STANDARD_LEVEL
from studio.engine.practice.families import DEMO_FAMILIES, FAMILIES
from studio.ui import links, parts
from studio.ui.page import Page
from studio.ui.parts.numbers import number_field, whole_in

LEVELS = 3
COUNT = 500


def build(page: Page, goto: gr.Textbox) -> None:
    """Layout, then wiring."""
    t = page.t
    parts.html(parts.section(t("making.title")) + parts.muted(t("making.text")))
    choices = t.choices("family", FAMILIES)
    families = gr.CheckboxGroup(choices, value=list(DEMO_FAMILIES), label=t("families"), elem_id="prompts-families")
    with gr.Row():
        count = number_field(t, t("count"), PRACTICE_PROMPTS, value=COUNT, elem_id="prompts-count")
        levels = [(t(f"level.{level}"), level) for level in range(1, LEVELS + 1)]
        level = gr.Dropdown(levels, value=STANDARD_LEVEL, label=t("level"), min_width=125, elem_id="prompts-level")
        seed = number_field(t, t("seed"), SEED, value=0, elem_id="prompts-seed")
    name = gr.Textbox(
        label=t("source.name"), info=t("name.bound", n=LONGEST_SOURCE), max_lines=1, elem_id="prompts-practice-name"
    )
    form = parts.form({"families": families, "count": count, "level": level, "seed": seed, "name": name})
    button = gr.Button(t("making.button"), elem_id="prompts-practice-button")

    def make(request: gr.Request, chosen: list[str], wanted: str, hard: int, sown: str, named: str) -> str:
        here = page.project(request)
        number = whole_in(wanted, t("count"), t, PRACTICE_PROMPTS, "count", usual=None)
        chance = whole_in(sown, t("seed"), t, SEED, "seed", usual=0)
        job = here.prompt_jobs.practice(chosen, number, chance, named, level=hard)
        if job is not None:
            return links.to("prompts", here, job=job.id)
        return links.to("prompts", here, source=named.strip())

    given = [families, count, level, seed, name]
    page.on(button.click, make, given, goto, form=form, show_progress_on=button)
