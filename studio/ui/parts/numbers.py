"""Number fields: what may stand in one is said beside it, and what was typed is held against that when it is read. They
are fields of text, since Gradio's own shows 0 for nothing, which is another answer than none, and covers the form with
a white layer when a number is out of bounds.

field = number_field(t, t("budget"), DOLLARS, info=t("budget.info"), elem_id="collect-budget")
number_in(value, t("budget"), t, DOLLARS, "budget_usd")     # None, or a number in bounds; BadInput otherwise
whole_in(value, t("count"), t, ITEMS, "items", usual=0)     # the same, an int; `usual` for nothing
"""

import math
from typing import Any

import gradio as gr

from studio.engine.domain.bounds import Bounds
from studio.engine.errors import BadInput
from studio.ui.parts.figures import number
from studio.ui.text import Texts


def number_field(
    t: Texts, label: str, bounds: Bounds, *, elem_id: str, info: str = "", value: float | None = None, **how: Any
) -> gr.Textbox:
    """A text field of one line for a number or nothing; below its label, what it may be."""
    told = f"{info} {bounds_words(t, bounds)}".strip()
    plain = gr.InputHTMLAttributes(autocorrect="off", spellcheck=False)
    return gr.Textbox(
        label=label, info=told, value=typed(value), elem_id=elem_id, max_lines=1, html_attributes=plain,
        **({"min_width": 125} | how),
    )  # fmt: skip


def bounds_words(t: Texts, bounds: Bounds) -> str:
    """What a number may be, in words."""
    kind = "whole" if bounds.whole else "above" if bounds.above else "any"
    return t(f"bounds.{kind}", least=number(bounds.least), most=number(bounds.most))


def typed(value: float | None) -> str:
    """A number as a person would type it."""
    return "" if value is None else f"{value:.12g}"


def number_in(text: str | float | None, label: str, t: Texts, bounds: Bounds, field: str = "") -> float | None:
    """What was typed as a number, None for nothing. Raises BadInput, naming the field, for anything else and for a
    number out of bounds."""
    written = str(text if text is not None else "").strip().replace(",", "")
    if not written:
        return None
    try:
        found = float(written)
    except ValueError:
        found = math.nan
    if not math.isfinite(found):
        raise BadInput(t("number.wrong", label=label, typed=written[:40]), field=field)
    if not bounds.hold(found):
        raise BadInput(t("number.out", label=label, typed=written[:40], bounds=bounds_words(t, bounds)), field=field)
    return found


def whole_in(
    text: str | float | None, label: str, t: Texts, bounds: Bounds, field: str = "", *, usual: int | None
) -> int:
    """The same for a whole number; `usual` for nothing, or a refusal where there is none."""
    found = number_in(text, label, t, bounds, field)
    if found is None and usual is None:
        raise BadInput(t("number.needed", label=label, bounds=bounds_words(t, bounds)), field=field)
    return int(found if found is not None else usual or 0)
