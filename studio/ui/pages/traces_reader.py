"""One trace, drawn: its marks, and the reader with prompt and system message beside the answer."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from markupsafe import Markup

from studio.engine.traces.browse import TraceDetail
from studio.engine.traces.filters import NONE
from studio.engine.traces.grade import final_answer
from studio.ui import links, parts
from studio.ui.text import Texts

if TYPE_CHECKING:
    from studio.engine.store.tables import Trace
    from studio.engine.studio import Studio

LONGEST = 30_000
"""Characters of an answer drawn at once."""
TRANSLATED = ("label", "correct", "flag", "terms", "edited", "finish_reason")


def reader(t: Texts, detail: TraceDetail, here: "Studio | str") -> Markup:
    """One trace whole: prompt and system message beside the answer, and the buttons that the keys press."""
    trace, text = detail.trace, detail.text
    return Markup('<article class="trace-read" data-id="{}">{}{}{}{}{}</article>').format(
        trace.id,
        _reader_head(t, detail, here),
        _asked(t, detail),
        _said(t, detail),
        _facts(t, detail, here),
        _buttons(t),
    ) + _editor(t, text.response)


def marks(t: Texts, trace: "Trace", tags: list[str]) -> Iterator[Markup]:
    yield Markup('<span class="verdict">{}</span>').format(parts.state_badge(t, trace.label) if trace.label else "")
    if trace.correct is not None:
        yield parts.state_badge(t, "correct" if trace.correct else "wrong")
    for flag in trace.flags:
        yield parts.badge("warn", value_word(t, "flag", flag))
    if trace.edited:
        yield parts.badge("quiet", t("edited"))
    if trace.rating:
        yield Markup('<span class="stars" role="img" aria-label="{}">{}</span>').format(
            t("did.rated", n=trace.rating), "★" * trace.rating
        )
    for tag in tags:
        yield Markup('<span class="chip">{}</span>').format(tag)
    yield Markup('<span class="muted">{}</span>').format(trace.teacher)


def value_word(t: Texts, key: str, value: str) -> str:
    word = f"value.{key}.{value}"
    if key in TRANSLATED and t.has(word):
        return t(word)
    return t("value.none") if value == NONE else value


def _reader_head(t: Texts, detail: TraceDetail, here: "Studio | str") -> Markup:
    known = Markup().join(marks(t, detail.trace, detail.tags))
    close = Markup('<button type="button" class="btn back" data-act="close">{}</button>').format(t("back"))
    return Markup('<header>{}<p class="marks">{}</p><span class="number">{}</span></header>').format(
        close, known, parts.copy(t, str(detail.trace.id), shown=f"#{detail.trace.id}")
    )


def _asked(t: Texts, detail: TraceDetail) -> Markup:
    """The prompt, the turns before it folded away, and the system message by name with its text."""
    text = detail.text
    earlier = [turn for turn in (text.messages or [])[:-1] if turn.get("role") != "system"]
    turns = Markup().join(
        Markup("<dt>{}</dt><dd>{}</dd>").format(
            str(turn.get("role", "")), parts.markdown.plain(str(turn.get("content") or turn.get("tool_calls") or ""))
        )
        for turn in earlier
    )
    before = Markup('<details><summary>{}</summary><dl class="turns">{}</dl></details>').format(
        t("turns", n=len(earlier)), turns
    )
    name = detail.trace.system_message or (t("system.own") if text.system_message else t("none"))
    told = Markup("<details><summary>{}: <b>{}</b></summary>{}</details>").format(
        t("system.message"), name, parts.markdown.plain(text.system_message)
    ) if text.system_message else Markup('<p class="muted">{}: {}</p>').format(t("system.message"), name)  # fmt: skip
    return Markup('<section class="asked"><h2>{}</h2>{}{}{}</section>').format(
        t("prompt"), before if earlier else "", parts.markdown.plain(text.prompt), told
    )


def _said(t: Texts, detail: TraceDetail) -> Markup:
    text = detail.text
    shown = text.response[:LONGEST]
    cut = len(text.response) - len(shown)
    more = Markup('<p class="muted">{}</p>').format(t("cut", n=cut)) if cut else Markup()
    original = Markup("<details><summary>{}</summary>{}</details>").format(
        t("original"), parts.markdown.plain((text.original_response or "")[:LONGEST])
    )
    reasoning = Markup("<details><summary>{}</summary>{}</details>").format(
        t("reasoning"), parts.markdown.plain((text.reasoning or "")[:LONGEST])
    )
    return Markup(
        '<section class="said"><div class="said-head"><h2>{}</h2>'
        '<button type="button" class="ghost" data-act="plain">{}</button>'
        '</div>{}<div class="as-md">{}</div><div class="as-plain" hidden>{}</div>{}{}</section>'
    ).format(
        t("response"), t("plain"), reasoning if text.reasoning else "", parts.markdown.render(shown),
        parts.markdown.plain(shown), more, original if text.original_response is not None else "",
    )  # fmt: skip


def _facts(t: Texts, detail: TraceDetail, here: "Studio | str") -> Markup:
    trace, text = detail.trace, detail.text
    lines: list[tuple[str, parts.Cell]] = []
    if text.known_answer is not None:
        lines += [(t("final"), final_answer(text.response)[:200]), (t("known"), final_answer(text.known_answer)[:200])]
    lines += [(t("teacher"), " · ".join(dict.fromkeys(part for part in (trace.teacher, trace.model) if part)))]
    lines += [(t("run"), parts.link(detail.run, links.to("traces", here, run=detail.run)))]
    for key in ("collection", "family", "task"):
        if value := getattr(trace, key):
            lines.append((t(f"key.{key}"), parts.link(value, links.to("traces", here, **{key: value}))))
    lines += [(t("terms"), parts.state_badge(t, trace.terms))]
    if trace.output_tokens:
        lines += [(t("tokens"), f"{trace.input_tokens:,} → {trace.output_tokens:,}")]
    if trace.labelled_by:
        lines += [(t("labelled.by"), trace.labelled_by)]
    return parts.facts(lines)


def _buttons(t: Texts) -> Markup:
    buttons = [("keep", "a", "good"), ("reject", "x", "bad"), ("edit", "e", ""), ("undo", "u", "")]
    drawn = Markup().join(
        Markup('<button type="button" class="btn act {}" data-act="{}">{} {}</button>').format(
            kind, act, t(f"act.{act}"), parts.keys(key)
        )
        for act, key, kind in buttons
    )
    turn = Markup().join(
        Markup('<button type="button" class="btn turn" data-act="{}" aria-label="{}">{}</button>').format(
            act, t(f"act.{act}"), sign
        )
        for act, sign in (("up", "‹"), ("down", "›"))
    )
    return Markup('<div class="acts" role="toolbar" aria-label="{}">{}{}</div>').format(t("acts"), drawn, turn)


def _editor(t: Texts, response: str) -> Markup:
    return Markup(
        '<form class="trace-edit" hidden><label>{}<textarea name="response" rows="14">\n{}</textarea></label>'
        '<p class="muted">{}</p><div class="row"><button type="button" class="btn" data-act="cancel">{} {}</button>'
        '<button type="submit" class="btn primary">{} {}</button></div></form>'
    ).format(
        t("edit.label"),
        response,
        t("edit.hint"),
        t("cancel"),
        parts.keys("Esc"),
        t("save"),
        parts.keys("Ctrl", "Enter"),
    )
