"""How rows would be read, shown before they are imported. Rows come from anywhere: all text is escaped."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from studio.engine.prompts import Tally
from studio.ui import parts
from studio.ui.pages.prompts import prompts_views as views
from studio.ui.parts import figures
from studio.ui.rendering import render
from studio.ui.text import Texts

if TYPE_CHECKING:
    from studio.engine.errors import BadInput
    from studio.engine.prompts import NewPrompt, Preview

PREVIEWED_ROWS = 5


def preview(t: Texts, found: "Preview") -> Markup:
    """How rows would be read: their format, where each field comes from, the first of them, what is left out."""
    taken = ", ".join(f"{t(f'field.{field}')} ← {column}" for field, column in found.mapping.items())
    left = Tally()
    for skip in found.skips:
        left.add(skip)
    shown = _rows(t, found) if found.rows else parts.note("warn", t("preview.none"))
    return Markup("{}{}{}{}").format(
        parts.note("good", t("recognised", format=format_words(t, found.format)), taken),
        shown,
        views.left_out(t, left.kept()),
        cleaned(t, found.cleaning, t("clean.first")),
    )


def no_preview(t: Texts, columns: Sequence[str], fault: "BadInput") -> Markup:
    """When the rows cannot be read yet: why, and what columns there are to choose from."""
    choice = render("prompts/no_preview", columns=", ".join(columns), message=t.told(fault.message))
    return parts.note("warn", t("choose.column"), choice)


def format_words(t: Texts, name: str) -> str:
    """The name of a format, with what it is where that is worth saying."""
    return f"{name} ({t(f'format.{name}')})" if t.has(f"format.{name}") else name


def cleaned(t: Texts, counts: dict[str, int] | None, title: str) -> Markup:
    """What each cleaning rule did."""
    if counts is None:
        return Markup()
    acted = [f"{t(f'rule.{rule}')}: {figures.number(count)}" for rule, count in counts.items() if count]
    return parts.note("quiet", title, " · ".join(acted) or t("clean.nothing"))


def _rows(t: Texts, found: "Preview") -> Markup:
    columns = [parts.Column(t("prompt"), wide=True), parts.Column(t("system.message"))]
    replies: list[str | None] = [reply.text for reply in found.replies] or [None] * len(found.rows)
    columns.append(parts.Column(t("field.response") if found.replies else t("known.answer"), wide=bool(found.replies)))
    cells = [_cells(row, reply) for row, reply in zip(found.rows[:PREVIEWED_ROWS], replies, strict=False)]
    return parts.table(columns, cells, caption=t("preview"))


def _cells(row: "NewPrompt", reply: str | None) -> list[Any]:
    turns = len(row.messages or ())
    text = f"[{turns}] {row.text}" if turns else row.text
    last = views.shortened(reply, 120) if reply is not None else views.shortened(row.answer or "", 60)
    return [views.shortened(text, 160), views.shortened(row.system or "", 60), last]
