"""The form of a new collection: its fields, and what they give to the engine."""

import json
from dataclasses import dataclass
from typing import Any

import gradio as gr

from studio.engine.errors import BadInput
from studio.engine.teachers.runs.plan import BATCH, LIVE
from studio.ui.parts.numbers import number_in, optional_number
from studio.ui.text import Texts

OWN, EACH, DRAW = "own", "each", "draw"
"""Which system messages: what came with each prompt, every chosen one, or one drawn by weight for each prompt."""
NOTHING = ""
"""The student is told nothing, as is usual."""


@dataclass(frozen=True)
class Wanted:
    """What a collection is to ask, as the engine takes it."""

    teacher: str
    prompts: str
    asked: dict[str, Any]
    """System messages, samples, parameters, seed and how it is sent: what a forecast depends on."""
    budget_usd: float | None
    name: str | None
    student: str | None


def build(t: Texts) -> dict[str, Any]:
    """The fields by name, in the order that the handlers take them."""
    fields: dict[str, Any] = {}
    with gr.Row():
        fields["teacher"] = gr.Dropdown([], label=t("teacher"), value=None, elem_id="collect-teacher")
        fields["prompts"] = gr.Dropdown([], label=t("prompts"), value=None, elem_id="collect-prompts")
    fields["manner"] = gr.Radio(
        [(t(f"manner.{one}"), one) for one in (OWN, DRAW, EACH)], value=OWN, label=t("manner"), elem_id="collect-manner"
    )
    with gr.Row(visible=False, elem_id="collect-messages") as fields["messages"]:
        fields["system"] = gr.Dropdown(
            [], value=[], multiselect=True, label=t("system.message"), info=t("system.info"), elem_id="collect-system",
            scale=2,
        )  # fmt: skip
        fields["weights"] = gr.Textbox(
            label=t("weights"), info=t("weights.info"), elem_id="collect-weights", max_lines=1, placeholder="1, 3"
        )
        fields["seed"] = optional_number(t("seed"), t("seed.info"), value=0, elem_id="collect-seed")
    with gr.Row():
        for name, value in (("samples", 1), ("budget", None)):
            fields[name] = optional_number(t(name), t(f"{name}.info"), value=value, elem_id=f"collect-{name}")
        fields["name"] = _line(t, "name")
    with gr.Accordion(t("more.settings"), open=False, elem_id="collect-more"):
        with gr.Row():
            for name in ("temperature", "max_tokens"):
                fields[name] = optional_number(t(name), t(f"{name}.info"), elem_id=f"collect-{name}")
            fields["further"] = _line(t, "further", placeholder='{"top_p": 0.9}')
        with gr.Row():
            fields["student"] = gr.Dropdown(
                [(t("student.nothing"), NOTHING)], value=NOTHING, label=t("student.told"), info=t("student.info"),
                elem_id="collect-student",
            )  # fmt: skip
    fields["batch"] = gr.Checkbox(label=t("batch"), info=t("batch.info"), visible=False, elem_id="collect-batch")
    return fields


def values_of(fields: dict[str, Any]) -> dict[str, Any]:
    """The fields that hold a value; a row only arranges them."""
    return {name: field for name, field in fields.items() if name != "messages"}


def wanted_of(form: dict[str, Any], t: Texts) -> Wanted:
    """The form as the engine takes it. Raises BadInput, naming the field, for what cannot be read."""
    if not (form["teacher"] and form["prompts"]):
        raise BadInput(t("choose.both"))
    asked = messages_of(form, t) | {
        "samples": _whole(form["samples"], t("samples"), t, 1),
        "seed": _whole(form["seed"], t("seed"), t, 0),
        "parameters": parameters_of(form, t),
        "send": BATCH if form["batch"] else LIVE,
    }
    budget = number_in(form["budget"], t("budget"), t)
    return Wanted(
        form["teacher"], form["prompts"], asked, budget, (form["name"] or "").strip() or None, form["student"] or None
    )  # fmt: skip


def messages_of(form: dict[str, Any], t: Texts) -> dict[str, Any]:
    """The chosen system messages: none of the library, each, or one drawn by weight for each prompt."""
    names = list(form["system"] or ())
    if form["manner"] == OWN:
        return {}
    if not names:
        raise BadInput(t("choose.messages"))
    if form["manner"] == EACH or len(names) == 1:
        return {"system_message": names}
    return {
        "system_mix": {"system_messages": dict(zip(names, weights_of(form["weights"], len(names), t), strict=True))}
    }


def weights_of(text: str | None, count: int, t: Texts) -> list[float]:
    """As many numbers as there are system messages, all alike when none is given."""
    typed = (text or "").replace(";", ",").replace("，", ",").strip(" ,")
    if not typed:
        return [1.0] * count
    weights = [number_in(part, t("weights"), t) for part in typed.split(",")]
    if len(weights) != count or None in weights:
        raise BadInput(t("weights.wrong", count=count))
    return [float(weight or 0) for weight in weights]


def parameters_of(form: dict[str, Any], t: Texts) -> dict[str, Any]:
    """The decoding parameters of the form. Raises BadInput when the further ones are not a JSON object."""
    longest = number_in(form["max_tokens"], t("max_tokens"), t)
    found = {
        "temperature": number_in(form["temperature"], t("temperature"), t),
        "max_tokens": longest and int(longest),
    }
    parameters = {key: value for key, value in found.items() if value is not None}
    further = (form["further"] or "").strip()
    if not further:
        return parameters
    try:
        more = json.loads(further)
    except ValueError as exc:
        raise BadInput(t("further.wrong")) from exc
    if not isinstance(more, dict):
        raise BadInput(t("further.wrong"))
    return parameters | more


def _whole(typed: str | float | None, label: str, t: Texts, usual: int) -> int:
    number = number_in(typed, label, t)
    if number is not None and number != int(number):
        raise BadInput(t("number.wrong", label=label, typed=typed))
    return usual if number is None else int(number)


def _line(t: Texts, name: str, placeholder: str | None = None) -> gr.Textbox:
    return gr.Textbox(
        label=t(name), info=t(f"{name}.info"), elem_id=f"collect-{name}", max_lines=1, placeholder=placeholder
    )  # fmt: skip
