"""One trace, drawn: its marks, and the reader with prompt and system message beside the answer."""

from functools import partial
from typing import TYPE_CHECKING

from markupsafe import Markup

from studio.engine.scoring import final_answer
from studio.engine.traces import NO_VALUE, TraceDetail
from studio.ui import links, parts
from studio.ui.parts.marking import marked
from studio.ui.rendering import render
from studio.ui.text import Texts

if TYPE_CHECKING:
    from studio.engine.studio import Studio

LONGEST = 30_000
"""Characters of an answer drawn at once."""
BUILT_IN = {"system_message": "message"}
"""Filters whose values may have come with the studio, and what those are."""
TRANSLATED = ("label", "correct", "flag", "terms", "edited", "finish_reason")


def reader(t: Texts, detail: TraceDetail, here: "Studio | str", query: str = "") -> Markup:
    """One trace whole: prompt and system message beside the answer, and the buttons that the keys press. What the
    search found is marked."""
    return render(
        "traces/reader",
        t=t,
        trace=detail.trace,
        tags=detail.tags,
        text=detail.text,
        earlier=[turn for turn in (detail.text.messages or [])[:-1] if turn.get("role") != "system"],
        facts=_facts(t, detail, here),
        longest=LONGEST,
        value_word=value_word,
        marked=partial(marked, query=query),
    )


def value_word(t: Texts, key: str, value: str) -> str:
    word = f"value.{key}.{value}"
    if key in TRANSLATED and t.has(word):
        return t(word)
    return t("value.none") if value == NO_VALUE else t.name_of(BUILT_IN.get(key, key), value)


def _facts(t: Texts, detail: TraceDetail, here: "Studio | str") -> list[tuple[str, parts.Cell]]:
    trace, text = detail.trace, detail.text
    lines: list[tuple[str, parts.Cell]] = []
    if text.known_answer is not None:
        lines += [(t("final"), final_answer(text.response)[:200]), (t("known"), final_answer(text.known_answer)[:200])]
    lines += [(t("teacher"), " · ".join(dict.fromkeys(part for part in (trace.teacher, trace.model) if part)))]
    lines += [(t("run"), parts.link(detail.run, links.to("traces", here, run=detail.run)))]
    for key in ("collection", "family", "task"):
        if value := getattr(trace, key):
            lines.append(
                (t(f"key.{key}"), parts.link(value_word(t, key, value), links.to("traces", here, **{key: value})))
            )
    lines += [(t("terms"), parts.state_badge(t, trace.terms))]
    if trace.output_tokens:
        lines += [(t("tokens"), f"{trace.input_tokens:,} → {trace.output_tokens:,}")]
    if trace.labelled_by:
        lines += [(t("labelled.by"), trace.labelled_by)]
    return lines
