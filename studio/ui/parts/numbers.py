"""Number fields that may stay empty. Gradio's own shows 0 for nothing, which is another answer than none.

field = optional_number(t("budget"), t("budget.info"), elem_id="collect-budget")   # a text field for a number
number_in(value, t("budget"), t)                                                  # None, or a float; BadInput otherwise
"""

import math

import gradio as gr

from studio.engine.errors import BadInput
from studio.ui.text import Texts


def optional_number(label: str, info: str, *, elem_id: str, value: float | None = None) -> gr.Textbox:
    """A text field of one line that wants a number or nothing."""
    shown = "" if value is None else f"{value:g}"
    return gr.Textbox(label=label, info=info, value=shown, elem_id=elem_id, max_lines=1)


def number_in(text: str | float | None, label: str, t: Texts) -> float | None:
    """What was typed as a number, None for nothing. Raises BadInput, naming the field, for anything else."""
    typed = str(text if text is not None else "").strip().replace(",", "")
    if not typed:
        return None
    try:
        number = float(typed)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise BadInput(t("number.wrong", label=label, typed=typed))
    return number
