"""Pure pieces of HTML that several pages show. Every `str` given is escaped; `Markup` (what these return) is not.

table([Column("Name"), Column("Traces", number=True)], [[link("r1", "/collect?run=r1"), 1200]], caption="Runs")
stats([Stat("Traces kept", "12,480"), Stat("Spend", "$4.12", hint="of $20")])
badge("good", "kept"); state_badge(t, "running")     # good, bad, busy, warn, quiet: icon + word, never colour alone
progress_bar(331, 1000, label="gsm8k-run", detail="12 / s, 50 s left")
card("Teachers", body, actions=link("Open", "/teachers", button=True))
empty_state("No teachers yet.", "Add the practice teachers", "/teachers?project=default#add")
tabs([Tab("Answers", "?tab=answers", current=True), Tab("Settings", "?tab=settings")])
bar("gsm8k", "120", 0.4); muted("Not kept."); fold("By task", body)
facts([("Model", "gpt-x"), ("Price", "—")]); note("bad", "3 prompts failed", "HTTP 401."); copy(t, "abc")
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

from studio.ui.parts.figures import UNKNOWN, number
from studio.ui.rendering import render
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
    cells = [[(head, _cell(value)) for head, value in zip(heads, row, strict=True)] for row in rows]
    return render("parts/table", columns=heads, rows=cells, caption=caption, selected=selected)


def stats(items: Iterable[Stat]) -> Markup:
    """A row of figures with their names."""
    return render("parts/stats", items=items)


def badge(kind: str, word: str) -> Markup:
    """A state as icon and word. `kind`: good, bad, busy, warn, quiet."""
    return render("parts/badge", kind=kind, drawing=BADGE_ICONS[kind], word=word)


def state_badge(t: Texts, state: str | None) -> Markup:
    """The badge of a known state: of a job, run, stage, model, study or label."""
    return badge(STATE_KINDS.get(state or "", "quiet"), t(f"state.{state}") if state else UNKNOWN)


def progress_bar(done: int, total: int | None, *, label: str = "", detail: str = "") -> Markup:
    """A bar with its numbers in words; without a total it shows that something moves."""
    text = number(done) if not total else f"{number(done)} / {number(total)} · {done / total:.0%}"
    percent = 100.0 if not total else max(0.0, min(100.0, 100 * done / total))
    return render("parts/progress_bar", total=total, label=label, text=text, percent=percent, detail=detail)


def card(title: str, body: str | Markup, *, actions: str | Markup = "") -> Markup:
    """A titled box."""
    return render("parts/card", title=title, body=body, actions=actions)


def bar(label: str, words: str, share: float, *, detail: str | Markup | None = None, over: str = "") -> Markup:
    """A named bar with its figure in words. `share` is how much of it is filled, 0 to 1; `over` marks too much."""
    return render("parts/bar", label=label, words=words, percent=100 * share, detail=detail, over=over)


def muted(text: str | Markup) -> Markup:
    """A paragraph of less weight."""
    return render("parts/muted", text=text)


def fold(summary: str, body: Markup, *, kind: str = "") -> Markup:
    """A part that opens when its summary is clicked. `kind` is its class."""
    return render("parts/fold", summary=summary, body=body, kind=kind)


def section(title: str) -> Markup:
    """The heading of a part of the page."""
    return render("parts/section", title=title)


def grid(*parts: Markup, columns: int = 2) -> Markup:
    """Parts side by side, below each other on a phone."""
    return render("parts/grid", items=parts, columns=columns)


def empty_state(sentence: str, action: str = "", href: str = "", *, icon: str = "spark") -> Markup:
    """What to do next where there is nothing yet: one sentence, one button."""
    return render("parts/empty_state", sentence=sentence, action=action, href=href, drawing=icon)


def link(
    word: str | Markup, href: str, *, button: bool = False, primary: bool = False, current: bool = False
) -> Markup:
    """A link; with `button` it looks like one."""
    kind = " ".join(name for name, on in (("btn", button), ("primary", primary)) if on)
    return render("parts/link", word=word, href=href, kind=kind, current=current)


def tabs(items: Iterable[Tab]) -> Markup:
    """Tabs as links, so that the choice is in the address and the keyboard reaches each."""
    return render("parts/tabs", items=items)


def facts(items: Iterable[tuple[str, Cell]]) -> Markup:
    """Names and values, one line each."""
    return render("parts/facts", items=[(name, _cell(value)) for name, value in items])


def note(kind: str, title: str, text: str | Markup = "", *, action: str | Markup = "") -> Markup:
    """A boxed remark in the page: what, why, and one thing that helps. `kind` as for a badge."""
    return render("parts/note", kind=kind, drawing=BADGE_ICONS[kind], title=title, text=text, action=action)


def copy(t: Texts, text: str, *, shown: str | None = None) -> Markup:
    """A text in code letters with a button that copies it."""
    return render("parts/copy", t=t, text=text, shown=text if shown is None else shown)


def keys(*names: str) -> Markup:
    """Keys of the keyboard, for hints on buttons and in help."""
    return render("parts/keys", names=names)


BADGE_ICONS = {"good": "check", "bad": "cross", "busy": "spinner", "warn": "alert", "quiet": "dot"}

STATE_KINDS = {
    "queued": "quiet", "waiting": "quiet", "running": "busy", "training": "busy", "preparing": "busy",
    "paused": "warn", "stopped": "warn", "closed": "quiet", "ready": "good", "done": "good", "failed": "bad",
    "keep": "good", "reject": "bad", "unlabelled": "quiet", "yes": "good", "no": "bad", "research": "warn",
    "unknown": "quiet", "correct": "good", "wrong": "bad",
}  # fmt: skip


def _cell(value: object) -> Markup:
    if value is None or value == "":
        return Markup(UNKNOWN)
    if isinstance(value, bool):
        return escape(str(value))
    if isinstance(value, int):
        return escape(number(value))
    return escape(f"{value:,.3g}" if isinstance(value, float) else value)
