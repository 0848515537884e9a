"""Pure pieces of HTML that several pages show. Every `str` given is escaped; `Markup` (what these return) is not.

table([Column("Name"), Column("Traces", number=True)], [[link("r1", "/collect?run=r1"), 1200]], caption="Runs")
stats([Stat("Traces kept", "12,480"), Stat("Spend", "$4.12", hint="of $20")])
badge("good", "kept"); state_badge(t, "running")     # good, bad, busy, warn, quiet: icon + word, never colour alone
progress_bar(331, 1000, label="gsm8k-run", detail="12 / s, 50 s left")
card("Teachers", body, actions=link("Open", "/teachers", button=True))
empty_state("No teachers yet.", "Add the practice teachers", "/teachers?project=default#add")
tabs([Tab("Answers", "?tab=answers", current=True), Tab("Settings", "?tab=settings")])
facts([("Model", "gpt-x"), ("Price", "—")]); note("bad", "3 prompts failed", "HTTP 401."); copy(t, "abc")
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

from studio.ui.parts import icons
from studio.ui.parts.figures import UNKNOWN, number
from studio.ui.text import Texts

Cell = str | Markup | int | float | None
"""What a table shows: text (escaped), Markup (as it is), a number, or None for a dash."""


@dataclass(frozen=True)
class Column:
    """One column of a table. On a phone each row is a card and the title labels the value."""

    title: str
    number: bool = False
    wide: bool = False
    """Takes the room that is left and is cut off with an ellipsis."""


@dataclass(frozen=True)
class Stat:
    label: str
    value: str
    hint: str = ""
    href: str = ""


@dataclass(frozen=True)
class Tab:
    label: str
    href: str
    current: bool = False
    count: int | None = None


def table(
    columns: Sequence[Column | str], rows: Iterable[Sequence[object]], *, caption: str = "", selected: int | None = None
) -> Markup:
    """A table that becomes labelled cards on a phone. `caption` is for screen readers; `selected` is a row's index.

    Cells are of type `Cell`; anything else is shown as its text."""
    heads = [column if isinstance(column, Column) else Column(column) for column in columns]
    head = Markup().join(
        Markup('<th scope="col"{}>{}</th>').format(_column_class(column), column.title) for column in heads
    )
    body = Markup().join(_row(heads, row, index == selected) for index, row in enumerate(rows))
    title = Markup('<caption class="sr-only">{}</caption>').format(caption) if caption else ""
    return Markup(
        '<div class="table-box"><table class="us-table">{}<thead><tr>{}</tr></thead><tbody>{}</tbody></table></div>'
    ).format(title, head, body)


def stats(items: Iterable[Stat]) -> Markup:
    """A row of figures with their names."""
    return Markup('<div class="stats">{}</div>').format(Markup().join(_stat(item) for item in items))


def badge(kind: str, word: str) -> Markup:
    """A state as icon and word. `kind`: good, bad, busy, warn, quiet."""
    return Markup('<span class="badge {}">{}{}</span>').format(kind, icons.icon(BADGE_ICONS[kind]), word)


def state_badge(t: Texts, state: str | None) -> Markup:
    """The badge of a known state: of a job, run, stage, model, study or label."""
    return badge(STATE_KINDS.get(state or "", "quiet"), t(f"state.{state}") if state else UNKNOWN)


def progress_bar(done: int, total: int | None, *, label: str = "", detail: str = "") -> Markup:
    """A bar with its numbers in words; without a total it shows that something moves."""
    text = number(done) if not total else f"{number(done)} / {number(total)} · {done / total:.0%}"
    percent = 100.0 if not total else max(0.0, min(100.0, 100 * done / total))
    value = Markup(' aria-valuenow="{}"').format(f"{percent:.0f}") if total else ""
    return Markup(
        '<div class="bar-box"><div class="bar-line"><strong>{}</strong><span>{}</span></div>'
        '<div class="bar{}" role="progressbar" aria-valuemin="0" aria-valuemax="100"{} aria-label="{}">'
        '<i style="width:{}%"></i></div><div class="bar-detail">{}</div></div>'
    ).format(label, text, "" if total else " endless", value, label or text, f"{percent:.1f}", detail)


def card(title: str, body: str | Markup, *, actions: str | Markup = "") -> Markup:
    """A titled box."""
    head = Markup('<header><h2>{}</h2><div class="actions">{}</div></header>').format(title, actions) if title else ""
    return Markup('<section class="card">{}{}</section>').format(head, body)


def grid(*parts: Markup, columns: int = 2) -> Markup:
    """Parts side by side, below each other on a phone."""
    return Markup('<div class="grid g{}">{}</div>').format(columns, Markup().join(parts))


def empty_state(sentence: str, action: str = "", href: str = "", *, icon: str = "spark") -> Markup:
    """What to do next where there is nothing yet: one sentence, one button."""
    button = link(action, href, button=True, primary=True) if action and href else ""
    return Markup('<div class="empty">{}<p>{}</p>{}</div>').format(icons.icon(icon), sentence, button)


def link(
    word: str | Markup, href: str, *, button: bool = False, primary: bool = False, current: bool = False
) -> Markup:
    """A link; with `button` it looks like one."""
    kind = " ".join(name for name, on in (("btn", button), ("primary", primary)) if on)
    mark = Markup(' aria-current="true"') if current else ""
    return Markup('<a href="{}"{}{}>{}</a>').format(
        href, Markup(' class="{}"').format(kind) if kind else "", mark, word
    )


def tabs(items: Iterable[Tab]) -> Markup:
    """Tabs as links, so that the choice is in the address and the keyboard reaches each."""
    parts = [
        Markup('<a href="{}"{}>{}{}</a>').format(
            tab.href,
            Markup(' aria-current="page"') if tab.current else "",
            tab.label,
            "" if tab.count is None else Markup(' <span class="count">{}</span>').format(number(tab.count)),
        )
        for tab in items
    ]
    return Markup('<nav class="tabs">{}</nav>').format(Markup().join(parts))


def facts(items: Iterable[tuple[str, Cell]]) -> Markup:
    """Names and values, one line each."""
    return Markup('<dl class="facts">{}</dl>').format(
        Markup().join(Markup("<div><dt>{}</dt><dd>{}</dd></div>").format(name, _cell(value)) for name, value in items)
    )


def note(kind: str, title: str, text: str | Markup = "", *, action: str | Markup = "") -> Markup:
    """A boxed remark in the page: what, why, and one thing that helps. `kind` as for a badge."""
    return Markup('<div class="note {}" role="status">{}<div><strong>{}</strong><p>{}</p></div>{}</div>').format(
        kind, icons.icon(BADGE_ICONS[kind]), title, text, action
    )


def copy(t: Texts, text: str, *, shown: str | None = None) -> Markup:
    """A text in code letters with a button that copies it."""
    return Markup(
        '<span class="copyable"><code>{}</code><button type="button" class="ghost" data-copy="{}" '
        'aria-label="{}" title="{}">{}</button></span>'
    ).format(text if shown is None else shown, text, t("copy"), t("copy"), icons.icon("copy"))


def keys(*names: str) -> Markup:
    """Keys of the keyboard, for hints on buttons and in help."""
    return Markup(" ").join(Markup("<kbd>{}</kbd>").format(name) for name in names)


BADGE_ICONS = {"good": "check", "bad": "cross", "busy": "spinner", "warn": "alert", "quiet": "dot"}

STATE_KINDS = {
    "queued": "quiet", "waiting": "quiet", "running": "busy", "training": "busy", "preparing": "busy",
    "paused": "warn", "stopped": "warn", "closed": "quiet", "ready": "good", "done": "good", "failed": "bad",
    "keep": "good", "reject": "bad", "unlabelled": "quiet", "yes": "good", "no": "bad", "research": "warn",
    "unknown": "quiet", "correct": "good", "wrong": "bad",
}  # fmt: skip


def _row(heads: Sequence[Column], row: Sequence[object], selected: bool) -> Markup:
    cells = Markup().join(
        Markup('<td data-label="{}"{}>{}</td>').format(column.title, _column_class(column), _cell(value))
        for column, value in zip(heads, row, strict=True)
    )
    return Markup("<tr{}>{}</tr>").format(Markup(' aria-selected="true"') if selected else "", cells)


def _column_class(column: Column) -> Markup:
    kind = " ".join(name for name, on in (("num", column.number), ("wide", column.wide)) if on)
    return Markup(' class="{}"').format(kind) if kind else Markup()


def _cell(value: object) -> Markup:
    if value is None or value == "":
        return Markup(UNKNOWN)
    if isinstance(value, bool):
        return escape(str(value))
    if isinstance(value, int):
        return escape(number(value))
    return escape(f"{value:,.3g}" if isinstance(value, float) else value)


def _stat(item: Stat) -> Markup:
    tag, href = ("a", Markup(' href="{}"').format(item.href)) if item.href else ("div", Markup())
    hint = Markup('<span class="hint">{}</span>').format(item.hint) if item.hint else ""
    return Markup('<{} class="stat"{}><span class="label">{}</span><span class="value">{}</span>{}</{}>').format(
        tag, href, item.label, item.value, hint, tag
    )
