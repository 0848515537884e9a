"""The form of a new collection: its fields, and what they give to the engine."""

import json
from dataclasses import dataclass
from typing import Any

import gradio as gr

from studio.engine.domain.bounds import DOLLARS, SAMPLES, SEED, TEMPERATURE, TOKENS, WEIGHT
from studio.engine.domain.names import LONGEST_NAME
from studio.engine.errors import BadInput
from studio.engine.teachers.plans import BATCH, LIVE, RunOptions
from studio.ui.parts.numbers import number_field, number_in, whole_in
from studio.ui.text import Texts

OWN, EACH, DRAW = "own", "each", "draw"
"""Which system messages: what came with each prompt, every chosen one, or one drawn by weight for each prompt."""
NOTHING = ""
"""The student is told nothing, as is usual."""


BOUNDS = {"samples": SAMPLES, "budget": DOLLARS, "temperature": TEMPERATURE, "max_tokens": TOKENS}
"""What the numbers may be."""
OTHER_NAMES = {
    "budget_usd": "budget", "parameters": "further", "prompt source": "prompts", "system message": "system",
    "send": "batch",
}  # fmt: skip
"""Fields by the names that errors of the engine give them."""


@dataclass(frozen=True)
class Wanted:
    """What a collection is to ask, as the engine takes it."""

    teacher: str
    prompts: str
    options: RunOptions
    name: str | None


def build(t: Texts) -> dict[str, Any]:
    """The fields by name, in the order that the handlers take them."""
    fields: dict[str, Any] = {}
    with gr.Row():
        fields["teacher"] = gr.Dropdown([], label=t("teacher"), value=None, elem_id="collect-teacher")
        fields["prompts"] = gr.Dropdown([], label=t("prompts"), value=None, elem_id="collect-prompts")
    fields["choice"] = gr.Radio(
        [(t(f"choice.{one}"), one) for one in (OWN, DRAW, EACH)], value=OWN, label=t("choice"), elem_id="collect-choice"
    )
    with gr.Row(visible=False, elem_id="collect-messages") as fields["messages"]:
        fields["system"] = gr.Dropdown(
            [], value=[], multiselect=True, label=t("system.message"), info=t("system.info"), elem_id="collect-system",
            scale=2,
        )  # fmt: skip
        fields["weights"] = gr.Textbox(
            label=t("weights"), info=t("weights.info"), elem_id="collect-weights", max_lines=1, placeholder="1, 3"
        )
        fields["seed"] = number_field(t, t("seed"), SEED, info=t("seed.info"), value=0, elem_id="collect-seed")
    with gr.Row():
        for name, value in (("samples", 1), ("budget", None)):
            fields[name] = _number(t, name, value)
        fields["name"] = _line(t, "name", bound=t("name.bound", n=LONGEST_NAME))
    with gr.Accordion(t("more.settings"), open=False, elem_id="collect-more"):
        with gr.Row():
            for name in ("temperature", "max_tokens"):
                fields[name] = _number(t, name)
            fields["further"] = _line(t, "further", placeholder='{"top_p": 0.9}')
        with gr.Row():
            fields["student"] = gr.Dropdown(
                [(t("student.nothing"), NOTHING)], value=NOTHING, label=t("student.told"), info=t("student.info"),
                elem_id="collect-student",
            )  # fmt: skip
    fields["batch"] = gr.Checkbox(label=t("batch"), info=t("batch.info"), visible=False, elem_id="collect-batch")
    return fields


def by_error(fields: dict[str, Any]) -> dict[str, Any]:
    """The fields by the names that errors give."""
    return values_of(fields) | {name: fields[own] for name, own in OTHER_NAMES.items()}


def values_of(fields: dict[str, Any]) -> dict[str, Any]:
    """The fields that hold a value; a row only arranges them."""
    return {name: field for name, field in fields.items() if name != "messages"}


def wanted_of(form: dict[str, Any], t: Texts) -> Wanted:
    """The form as the engine takes it. Raises BadInput, naming the field, for what cannot be read."""
    if not (form["teacher"] and form["prompts"]):
        raise BadInput(t("choose.both"), field="prompts" if form["teacher"] else "teacher")
    options = RunOptions(
        **messages_of(form, t),
        samples=whole_in(form["samples"], t("samples"), t, SAMPLES, "samples", usual=1),
        seed=whole_in(form["seed"], t("seed"), t, SEED, "seed", usual=0),
        parameters=parameters_of(form, t),
        budget_usd=number_in(form["budget"], t("budget"), t, DOLLARS, "budget_usd"),
        store_system_message=form["student"] or None,
        send=BATCH if form["batch"] else LIVE,
    )
    return Wanted(form["teacher"], form["prompts"], options, (form["name"] or "").strip() or None)


def messages_of(form: dict[str, Any], t: Texts) -> dict[str, Any]:
    """The chosen system messages: none of the library, each, or one drawn by weight for each prompt."""
    names = list(form["system"] or ())
    if form["choice"] == OWN:
        return {}
    if not names:
        raise BadInput(t("choose.messages"), field="system")
    if form["choice"] == EACH or len(names) == 1:
        return {"system_message": names}
    return {
        "system_mix": {"system_messages": dict(zip(names, weights_of(form["weights"], len(names), t), strict=True))}
    }


def weights_of(text: str | None, count: int, t: Texts) -> list[float]:
    """As many numbers as there are system messages, all alike when none is given."""
    typed = (text or "").replace(";", ",").replace("，", ",").strip(" ,")
    if not typed:
        return [1.0] * count
    weights = [number_in(part, t("weights"), t, WEIGHT, "weights") for part in typed.split(",")]
    if len(weights) != count or None in weights:
        raise BadInput(t("weights.wrong", count=count), field="weights")
    return [float(weight or 0) for weight in weights]


def parameters_of(form: dict[str, Any], t: Texts) -> dict[str, Any]:
    """The decoding parameters of the form. Raises BadInput when the further ones are not a JSON object."""
    longest = number_in(form["max_tokens"], t("max_tokens"), t, TOKENS, "max_tokens")
    found = {
        "temperature": number_in(form["temperature"], t("temperature"), t, TEMPERATURE, "temperature"),
        "max_tokens": longest and int(longest),
    }
    parameters = {key: value for key, value in found.items() if value is not None}
    further = (form["further"] or "").strip()
    if not further:
        return parameters
    try:
        more = json.loads(further)
    except ValueError as exc:
        raise BadInput(t("further.wrong"), field="parameters") from exc
    if not isinstance(more, dict):
        raise BadInput(t("further.wrong"), field="parameters")
    return parameters | more


def _number(t: Texts, name: str, value: float | None = None) -> gr.Textbox:
    return number_field(
        t, t(name), BOUNDS[name], info=t(f"{name}.info"), value=value, elem_id=f"collect-{name}"
    )  # fmt: skip


def _line(t: Texts, name: str, placeholder: str | None = None, bound: str = "") -> gr.Textbox:
    return gr.Textbox(
        label=t(name), info=f"{t(f'{name}.info')} {bound}".strip(), elem_id=f"collect-{name}", max_lines=1,
        placeholder=placeholder,
    )  # fmt: skip
