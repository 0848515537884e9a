"""The boxes of the import panel, in the order in which they are laid out, and what a person has put into them."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr

from studio.engine.domain.bounds import TOKENS
from studio.engine.domain.names import LONGEST_SOURCE
from studio.engine.domain.terms import Terms
from studio.engine.errors import BadInput
from studio.engine.prompts import FORMATS
from studio.engine.prompts.cleaning import RULES, Rules, parse_languages, tokenizer_in
from studio.ui import parts
from studio.ui.parts.numbers import number_field, number_in
from studio.ui.text import Texts

if TYPE_CHECKING:
    from studio.engine.studio import Studio

MAPPED = ("prompt", "response", "system", "answer", "task", "collection", "id")
LIMITED = ("language", "split", "too-long")
"""Rules that have boxes of their own instead of a tick."""
TICKED = tuple(rule for rule in RULES if rule not in LIMITED)
TERMS = (Terms.UNKNOWN, Terms.YES, Terms.NO, Terms.RESEARCH)
"""What is likeliest first."""
AUTO = FORMATS[0]


@dataclass(frozen=True)
class Given:
    """What the boxes say."""

    path: Path | None
    format: str
    mapping: dict[str, str] | None
    name: str
    is_own_name: bool
    """Whether the person typed it; otherwise it follows what is chosen."""
    holds_answers: bool
    teacher: str
    terms: str
    every_turn: bool
    batch_input: Path | None
    rules: Rules | None


class Form:
    """Made inside `build`."""

    def __init__(self, t: Texts) -> None:
        parts.html(parts.section(t("import.title")))
        self.file = gr.File(label=t("import.file"), type="filepath", elem_id="prompts-import-file")
        with gr.Row(elem_classes="toolbar"):
            self.place = gr.Textbox(
                label=t("import.place"), info=t("import.place.info"), max_lines=1, elem_id="prompts-import-place",
                min_width=200, scale=3,
            )  # fmt: skip
            self.look = gr.Button(t("import.look"), elem_id="prompts-import-look", scale=0, min_width=90)
        self.holds_answers = gr.Checkbox(
            label=t("import.answers"), info=t("import.answers.info"), elem_id="prompts-import-answers"
        )
        self._about_answers(t)
        self.preview = parts.html(elem_id="prompts-import-preview")
        with gr.Accordion(t("import.columns"), open=False, visible=False, elem_id="prompts-import-map") as self.columns:
            self.format = gr.Dropdown(
                list(FORMATS), value=AUTO, label=t("format"), info=t("import.columns.info"),
                elem_id="prompts-import-format",
            )  # fmt: skip
            with gr.Row():
                self.boxes = {field: self._box(t, field) for field in MAPPED}
        self._cleaning(t)
        self.name = gr.Textbox(
            label=t("name"), info=t("name.bound", n=LONGEST_SOURCE), max_lines=1, elem_id="prompts-import-name"
        )
        self.suggested = gr.Textbox(elem_id="prompts-import-suggested", elem_classes="unseen", show_label=False)
        """The name that was put there for the person; while it stands, it follows the file."""
        self.faults = parts.form(
            {
                "name": self.name, "path": self.file, "place": self.place, "format": self.format,
                "teacher": self.teacher, "languages": self.languages, "max_tokens": self.max_tokens,
                "tokenizer": self.tokenizer, "run": self.name, "terms": self.terms, "rules": self.rules,
            }
        )  # fmt: skip
        self.button = gr.Button(t("import"), variant="primary", interactive=False, elem_id="prompts-import-button")

    def _box(self, t: Texts, field: str) -> gr.Dropdown:
        return gr.Dropdown([""], value="", label=t(f"field.{field}"), elem_id=f"prompts-import-{field}", min_width=150)

    def _about_answers(self, t: Texts) -> None:
        with gr.Column(visible=False, elem_id="prompts-import-about") as self.about:
            with gr.Row():
                self.teacher = gr.Textbox(
                    label=t("import.teacher"), max_lines=1, elem_id="prompts-import-teacher", min_width=160
                )
                terms = [(t(f"import.terms.{value}"), value.value) for value in TERMS]
                self.terms = gr.Dropdown(
                    terms, value=TERMS[0].value, label=t("import.terms"), elem_id="prompts-import-terms", min_width=160
                )
            self.every_turn = gr.Checkbox(
                label=t("import.every.turn"), info=t("import.every.turn.info"), elem_id="prompts-import-every-turn"
            )
            with gr.Accordion(t("import.batch"), open=False, elem_id="prompts-import-batch"):
                self.batch_input = gr.File(
                    label=t("import.batch.input"), type="filepath", height=110,
                    elem_id="prompts-import-batch-input",
                )  # fmt: skip

    def _cleaning(self, t: Texts) -> None:
        with gr.Column(visible=False, elem_id="prompts-import-cleaning") as self.cleaning:
            self.clean = gr.Checkbox(label=t("clean"), info=t("clean.info"), elem_id="prompts-import-clean")
            with gr.Column(visible=False, elem_id="prompts-import-rules") as self.limits:
                rules = [(t(f"rule.{rule}"), rule) for rule in TICKED]
                self.rules = gr.CheckboxGroup(
                    rules, value=list(TICKED), label=t("clean.rules"), elem_id="prompts-import-rule"
                )
                self.languages = gr.Textbox(
                    label=t("clean.languages"), info=t("clean.languages.info"), max_lines=1,
                    elem_id="prompts-import-languages",
                )  # fmt: skip
                with gr.Row():
                    self.max_tokens = number_field(
                        t, t("clean.tokens"), TOKENS, info=t("clean.tokens.info"), elem_id="prompts-import-tokens"
                    )
                    self.tokenizer = gr.Dropdown(
                        [], label=t("clean.tokenizer"), info=t("clean.tokenizer.info"), allow_custom_value=True,
                        elem_id="prompts-import-tokenizer",
                    )  # fmt: skip

    @property
    def inputs(self) -> set[Any]:
        return {
            self.file, self.place, self.holds_answers, self.teacher, self.terms, self.every_turn, self.batch_input,
            self.format, *self.boxes.values(), self.clean, self.rules, self.languages, self.max_tokens,
            self.tokenizer, self.name, self.suggested,
        }  # fmt: skip

    def given(self, values: dict[Any, Any], here: "Studio", t: Texts) -> Given:
        """What the boxes say, read. Raises `BadInput`."""
        place, batch = str(values[self.place] or "").strip(), values[self.batch_input]
        chosen = place or values[self.file]
        return Given(
            path=Path(chosen) if chosen else None,
            format=values[self.format] or AUTO,
            mapping=mapping_of({field: values[box] for field, box in self.boxes.items()}),
            name=values[self.name] or "",
            is_own_name=(values[self.name] or "") not in ("", values[self.suggested]),
            holds_answers=bool(values[self.holds_answers]),
            teacher=values[self.teacher] or "",
            terms=values[self.terms] or TERMS[0].value,
            every_turn=bool(values[self.every_turn]),
            batch_input=Path(batch) if batch and values[self.holds_answers] else None,
            rules=self._rules(values, here, t) if values[self.clean] else None,
        )

    def _rules(self, values: dict[Any, Any], here: "Studio", t: Texts) -> Rules:
        limit = number_in(values[self.max_tokens], t("clean.tokens"), t, TOKENS, "max_tokens")
        if limit is not None and not values[self.tokenizer]:
            raise BadInput(t("clean.no.tokenizer"), field="tokenizer")
        return Rules(
            off=frozenset(TICKED) - frozenset(values[self.rules] or ()),
            languages=parse_languages(values[self.languages] or ""),
            max_tokens=None if limit is None else int(limit),
            tokenizer=tokenizer_in(here.models, values[self.tokenizer]) if limit is not None else None,
        )

    def choices(self, names: list[str], mapping: dict[str, str], *, answers: bool) -> dict[Any, Any]:
        """Updates that offer the columns in every box, with what was guessed chosen where it is a column."""
        taken = {field: column if column in names else "" for field, column in mapping.items()}
        if taken.get("prompt", "") == "":
            taken = {}
        return {
            box: gr.Dropdown(["", *names], value=taken.get(field, ""), visible=field != "response" or answers)
            for field, box in self.boxes.items()
        }


def mapping_of(chosen: dict[str, str | None]) -> dict[str, str] | None:
    """The column map that the boxes spell; None, for what was recognised, while no box names the prompt."""
    mapping = {field: column for field, column in chosen.items() if column}
    return mapping if "prompt" in mapping else None
