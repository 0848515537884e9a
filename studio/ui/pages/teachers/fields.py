"""The fields of a teacher's form: how they are drawn, what a teacher puts into them, what they give to the engine."""

from datetime import UTC, date, datetime
from typing import Any

import gradio as gr

from studio.engine.domain.bounds import A_MINUTE, CONCURRENCY, PRICE, SHARE, TIMEOUT, Bounds
from studio.engine.domain.terms import Terms
from studio.engine.errors import BadInput
from studio.engine.row_types import Teacher
from studio.engine.teachers import Preset
from studio.ui.parts.numbers import number_field, number_in, typed
from studio.ui.text import Texts

NUMBERS: dict[str, tuple[Bounds, float | None]] = {
    "input_price": (PRICE, None), "output_price": (PRICE, None), "batch_price_share": (SHARE, 0.5),
    "rpm": (A_MINUTE, None), "tpm": (A_MINUTE, None), "concurrency": (CONCURRENCY, 8), "timeout": (TIMEOUT, 120),
}  # fmt: skip
"""What may stand in each field of numbers, and what a new teacher has there; what is None may stay empty."""
COLUMNS = {"rpm": "requests_per_minute", "tpm": "tokens_per_minute"}


EMPTY: dict[str, Any] = {
    **dict.fromkeys(("name", "base_url", "model", "api_key_env"), ""),
    **{name: typed(value) for name, (_, value) in NUMBERS.items()},
    **{"terms": "unknown", "terms_note": "", "terms_checked_on": ""},
}
"""The form of a new teacher."""


def build(t: Texts) -> dict[str, Any]:
    """The fields by the names that the engine gives them."""
    found: dict[str, Any] = {}
    for name in ("name", "base_url", "model", "api_key_env"):
        found[name] = _words(t, name)
    for names in (("input_price", "output_price", "batch_price_share"), ("rpm", "tpm"), ("concurrency", "timeout")):
        with gr.Row():
            found |= {name: _number(t, name) for name in names}
    found["terms"] = gr.Dropdown(
        [(t(f"state.{terms}"), terms.value) for terms in Terms], value=Terms.UNKNOWN.value, label=t("field.terms"),
        info=t("field.terms.info"), elem_id="teachers-terms",
    )  # fmt: skip
    with gr.Row():
        found |= {name: _words(t, name) for name in ("terms_note", "terms_checked_on")}
    return found


def values_of(teacher: Teacher) -> dict[str, Any]:
    """A teacher's fields as the form shows them."""
    values = {name: getattr(teacher, COLUMNS.get(name, name)) for name in EMPTY}
    return {name: typed(value) if name in NUMBERS else value or "" for name, value in values.items()}


def filled(preset: Preset | None) -> dict[str, Any]:
    """The fields that a preset fills in. What it says nothing about stays as it was typed."""
    if preset is None:
        return {}
    price = {"input_price": "0", "output_price": "0"} if preset.free else {}
    return {
        "base_url": preset.base_url, "model": preset.model, "api_key_env": preset.api_key_env,
        "concurrency": typed(preset.concurrency), **price,
    }  # fmt: skip


def given(t: Texts, form: dict[str, Any]) -> dict[str, Any]:
    """The form as the engine takes it: a number that was left empty is None, or what a new teacher has."""
    wanted: dict[str, Any] = {key: (value or "").strip() for key, value in form.items() if key not in NUMBERS}
    wanted["terms_checked_on"] = day_in(wanted["terms_checked_on"], t) or None
    for name, (bounds, usual) in NUMBERS.items():
        number = number_in(form[name], t(f"field.{name}"), t, bounds, name)
        number = usual if number is None else number
        wanted[name] = int(number) if number is not None and bounds.whole else number
    return wanted


def day_in(text: str, t: Texts) -> str:
    """A day as YYYY-MM-DD, empty for none. Raises BadInput for anything else."""
    if not text:
        return ""
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError as exc:
        raise BadInput(t("day.wrong", typed=text[:40]), field="terms_checked_on") from exc


def day_of_reading(terms: str, day: str) -> str:
    """Who says what the terms are has just read them; a day that was given stays."""
    return day or ("" if terms == "unknown" else datetime.now(UTC).astimezone().date().isoformat())


def _words(t: Texts, name: str) -> gr.Textbox:
    placeholder = {"api_key_env": "OPENAI_API_KEY", "terms_checked_on": "2026-01-31"}.get(name)
    return gr.Textbox(
        label=t(f"field.{name}"), info=t(f"field.{name}.info"), elem_id=f"teachers-{name}", max_lines=1,
        placeholder=placeholder, min_width=140,
    )  # fmt: skip


def _number(t: Texts, name: str) -> gr.Textbox:
    bounds, value = NUMBERS[name]
    label, info = t(f"field.{name}"), t(f"field.{name}.info")
    return number_field(t, label, bounds, info=info, value=value, elem_id=f"teachers-{name}")
