"""The form of a new training: its fields, and the recipe that they make. Nothing here knows Gradio's events."""

from collections.abc import Mapping
from typing import Any

import gradio as gr
from markupsafe import Markup

from studio.ui import parts
from studio.ui.text import Texts

LENGTHS = ("epochs", "steps", "tokens")
METHODS = ("full", "lora")
SCHEDULES = ("cosine", "linear", "constant")
ORDER = (
    "dataset",
    "method",
    *LENGTHS,
    "learning_rate",
    "schedule",
    "batch_size",
    "max_length",
    "too_long",
    "packing",
    "lora",
)


def fields(t: Texts) -> dict[str, Any]:
    """The components by name; laid out where it is called."""
    made: dict[str, Any] = {
        "base": gr.Dropdown(label=t("base"), info=t("base.info"), allow_custom_value=True, elem_id="train-base"),
        "name": gr.Textbox(
            label=t("student.name"), placeholder=t("student.name.like"), max_lines=1, elem_id="train-name"
        ),
    }
    parts.html(_heading(t, "stage.first"))
    made |= _stage(t, "first", required=True)
    made["two"] = gr.Checkbox(label=t("stage.add"), info=t("stage.add.info"), elem_id="train-two")
    with gr.Column(visible=False, elem_id="train-second") as second:
        parts.html(_heading(t, "stage.second"))
        made |= _stage(t, "second", required=False)
    with gr.Accordion(t("advanced"), open=False, elem_id="train-advanced"):
        made |= _advanced(t)
    made["two"].change(
        lambda on: gr.Column(visible=on), made["two"], second, api_visibility="private", show_progress="hidden"
    )
    return made


def compose(values: Mapping[str, Any]) -> dict[str, Any]:
    """The recipe that the fields make, with the keys that say something only. What is missing, the engine names."""
    stages = [_stage_of(values, "first") | _advanced_of(values)]
    if values["two"]:
        stages.append(_stage_of(values, "second"))
    ordered = [{key: stage[key] for key in ORDER if key in stage} for stage in stages]
    recipe: dict[str, Any] = {"base": str(values["base"] or "").strip(), "seed": int(values["seed"] or 0)}
    if (threads := _number(values["threads"])) is not None:
        recipe["threads"] = threads
    return recipe | {"stages": ordered}


def missing(values: Mapping[str, Any]) -> list[str]:
    """Names of what a recipe cannot do without and that is empty."""
    return [name for name, key in (("base", "base"), ("dataset", "first_dataset")) if not values[key]]


def _stage(t: Texts, name: str, *, required: bool) -> dict[str, Any]:
    as_before = None if required else t("as.before")
    dataset = gr.Dropdown(
        label=t("dataset"), info=t("dataset.info") if required else as_before, elem_id=f"train-{name}-dataset"
    )
    method = gr.Radio(
        label=t("method"),
        choices=[(t(f"method.{value}"), value) for value in METHODS],
        value="full" if required else None,
        info=as_before,
        elem_id=f"train-{name}-method",
    )
    with gr.Row(elem_classes="train-length"):
        length = _figure(t("length"), f"train-{name}-length", "2" if required else "", as_before)
        unit = gr.Dropdown(
            label=t("unit"),
            choices=[(t(f"unit.{value}"), value) for value in LENGTHS],
            value="epochs",
            elem_id=f"train-{name}-unit",
            min_width=120,
        )
        rate = _figure(t("rate"), f"train-{name}-rate", "0.001" if required else "", as_before)
    made = {"dataset": dataset, "method": method, "length": length, "unit": unit, "rate": rate}
    return {f"{name}_{key}": component for key, component in made.items()}


def _advanced(t: Texts) -> dict[str, Any]:
    return {
        "batch": gr.Number(label=t("batch"), value=16, minimum=1, precision=0, elem_id="train-batch"),
        "longest": _figure(t("longest"), "train-longest", "", t("longest.info")),
        "cut": gr.Checkbox(label=t("cut"), info=t("cut.info"), elem_id="train-cut"),
        "packing": gr.Checkbox(label=t("packing"), info=t("packing.info"), value=True, elem_id="train-packing"),
        "schedule": gr.Dropdown(
            label=t("schedule"),
            choices=[(t(f"schedule.{value}"), value) for value in SCHEDULES],
            value="cosine",
            elem_id="train-schedule",
        ),
        "rank": gr.Number(label=t("rank"), value=16, minimum=1, precision=0, elem_id="train-rank"),
        "seed": gr.Number(label=t("seed"), value=0, minimum=0, precision=0, elem_id="train-seed"),
        "threads": _figure(t("threads"), "train-threads", "", t("threads.info")),
    }


def _figure(label: str, elem_id: str, value: str, info: str | None) -> gr.Textbox:
    """A number that may be left empty; Gradio's own field for numbers shows an empty one as 0."""
    return gr.Textbox(label=label, value=value, info=info, elem_id=elem_id, max_lines=1, max_length=20, min_width=90)


def _number(text: Any) -> Any:
    """The number that was typed; None for nothing. What is no number stays as it is, for the engine to refuse."""
    written = str(text if text is not None else "").strip().replace(",", "")
    try:
        number = float(written)
    except ValueError:
        return written or None
    return int(number) if number == int(number) else number


def _stage_of(values: Mapping[str, Any], name: str) -> dict[str, Any]:
    stage = {
        "dataset": values[f"{name}_dataset"] or values["first_dataset"],
        "method": values[f"{name}_method"],
        values[f"{name}_unit"]: _number(values[f"{name}_length"]),
        "learning_rate": _number(values[f"{name}_rate"]),
    }
    return {key: value for key, value in stage.items() if value is not None and value != ""}


def _advanced_of(values: Mapping[str, Any]) -> dict[str, Any]:
    stage: dict[str, Any] = {"batch_size": int(values["batch"] or 16)}
    if (longest := _number(values["longest"])) is not None:
        stage["max_length"] = longest
    if values["cut"]:
        stage["too_long"] = "cut"
    if values["schedule"] != "cosine":
        stage["schedule"] = values["schedule"]
    if not values["packing"]:
        stage["packing"] = False
    if "lora" in (values["first_method"], values["second_method"] if values["two"] else "") and values["rank"]:
        stage["lora"] = {"rank": int(values["rank"]), "alpha": 2 * int(values["rank"])}
    return stage


def _heading(t: Texts, key: str) -> Markup:
    return Markup('<h2 class="section-title">{}</h2>').format(t(key))
