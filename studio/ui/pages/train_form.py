"""The form of a new training: its fields, and the recipe that they make. Nothing here knows Gradio's events."""

import math
from collections.abc import Mapping
from typing import Any

import gradio as gr

from studio.engine.domain import bounds
from studio.engine.domain.names import LONGEST_FOLDER
from studio.ui import parts
from studio.ui.parts.numbers import number_field
from studio.ui.text import Texts

LENGTHS = ("epochs", "steps", "tokens")
METHODS = ("full", "lora")
SCHEDULES = ("cosine", "linear", "constant")
ADVANCED = {"batch_size": "batch", "max_length": "longest", "schedule": "schedule", "lora.rank": "rank"}
"""Fields of the part that is folded away, by their keys in a stage."""
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
            label=t("student.name"),
            info=t("name.folder", n=LONGEST_FOLDER),
            placeholder=t("student.name.like"),
            max_lines=1,
            elem_id="train-name",
        ),
    }
    parts.html(parts.section(t("stage.first")))
    made |= _stage(t, "first", required=True)
    made["two"] = gr.Checkbox(label=t("stage.add"), info=t("stage.add.info"), elem_id="train-two")
    with gr.Column(visible=False, elem_id="train-second") as second:
        parts.html(parts.section(t("stage.second")))
        made |= _stage(t, "second", required=False)
    with gr.Accordion(t("advanced"), open=False, elem_id="train-advanced"):
        made |= _advanced(t)
    made["two"].change(
        lambda on: gr.Column(visible=on), made["two"], second, api_visibility="private", show_progress="hidden"
    )
    return made


def by_error(made: Mapping[str, Any]) -> dict[str, Any]:
    """The fields by the names that errors of the engine give: keys of the recipe, those of stages by their number."""
    found = {"base": made["base"], "name": made["name"], "seed": made["seed"], "threads": made["threads"]}
    for number, name in ((1, "first"), (2, "second")):
        own = {"dataset": "dataset", "method": "method", "learning_rate": "rate", **dict.fromkeys(LENGTHS, "length")}
        found |= {f"stages.{number}.{key}": made[f"{name}_{field}"] for key, field in own.items()}
        found |= {f"stages.{number}.{key}": made[field] for key, field in ADVANCED.items()}
    return found


def compose(values: Mapping[str, Any]) -> dict[str, Any]:
    """The recipe that the fields make, with the keys that say something only. What is missing, the engine names."""
    stages = [_stage_of(values, "first") | _advanced_of(values)]
    if values["two"]:
        stages.append(_stage_of(values, "second"))
    ordered = [{key: stage[key] for key in ORDER if key in stage} for stage in stages]
    recipe: dict[str, Any] = {"base": str(values["base"] or "").strip(), "seed": _number(values["seed"]) or 0}
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
        length = _figure(t("length"), f"train-{name}-length", "2" if required else "", as_before or t("length.info"))
        unit = gr.Dropdown(
            label=t("unit"),
            choices=[(t(f"unit.{value}"), value) for value in LENGTHS],
            value="epochs",
            elem_id=f"train-{name}-unit",
            min_width=120,
        )
        rate = number_field(
            t, t("rate"), bounds.RATE, info=as_before or "", value=0.001 if required else None,
            elem_id=f"train-{name}-rate",
        )  # fmt: skip
    made = {"dataset": dataset, "method": method, "length": length, "unit": unit, "rate": rate}
    return {f"{name}_{key}": component for key, component in made.items()}


def _advanced(t: Texts) -> dict[str, Any]:
    return {
        "batch": number_field(t, t("batch"), bounds.BATCH, value=16, elem_id="train-batch"),
        "longest": number_field(t, t("longest"), bounds.LENGTH, info=t("longest.info"), elem_id="train-longest"),
        "cut": gr.Checkbox(label=t("cut"), info=t("cut.info"), elem_id="train-cut"),
        "packing": gr.Checkbox(label=t("packing"), info=t("packing.info"), value=True, elem_id="train-packing"),
        "schedule": gr.Dropdown(
            label=t("schedule"),
            choices=[(t(f"schedule.{value}"), value) for value in SCHEDULES],
            value="cosine",
            elem_id="train-schedule",
        ),
        "rank": number_field(t, t("rank"), bounds.RANK, value=16, elem_id="train-rank"),
        "seed": number_field(t, t("seed"), bounds.SEED, value=0, elem_id="train-seed"),
        "threads": number_field(t, t("threads"), bounds.THREADS, info=t("threads.info"), elem_id="train-threads"),
    }


def _figure(label: str, elem_id: str, value: str, info: str | None) -> gr.Textbox:
    """A number whose bounds depend on the unit beside it."""
    return gr.Textbox(label=label, value=value, info=info, elem_id=elem_id, max_lines=1, min_width=150)


def _number(text: Any) -> Any:
    """The number that was typed; None for nothing. What is no number stays as it is, for the engine to refuse."""
    written = str(text if text is not None else "").strip().replace(",", "")
    try:
        number = float(written)
    except ValueError:
        return written or None
    if not math.isfinite(number):
        return written
    return int(number) if number == int(number) else number


def _given(text: Any, usual: int) -> Any:
    """What was typed; `usual` for nothing, but not for a nought."""
    number = _number(text)
    return usual if number is None else number


def _stage_of(values: Mapping[str, Any], name: str) -> dict[str, Any]:
    stage = {
        "dataset": values[f"{name}_dataset"] or values["first_dataset"],
        "method": values[f"{name}_method"],
        values[f"{name}_unit"]: _number(values[f"{name}_length"]),
        "learning_rate": _number(values[f"{name}_rate"]),
    }
    return {key: value for key, value in stage.items() if value is not None and value != ""}


def _advanced_of(values: Mapping[str, Any]) -> dict[str, Any]:
    stage: dict[str, Any] = {"batch_size": _given(values["batch"], 16)}
    if (longest := _number(values["longest"])) is not None:
        stage["max_length"] = longest
    if values["cut"]:
        stage["too_long"] = "cut"
    if values["schedule"] != "cosine":
        stage["schedule"] = values["schedule"]
    if not values["packing"]:
        stage["packing"] = False
    if "lora" in (values["first_method"], values["second_method"] if values["two"] else "") and values["rank"]:
        rank = _number(values["rank"])
        stage["lora"] = {"rank": rank, **({"alpha": 2 * rank} if bounds.RANK.hold(rank) else {})}
    return stage
