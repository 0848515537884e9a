"""What a trial shows: teachers across, system messages down, each answer with what it took. Answers are untrusted."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from markupsafe import Markup

from studio.engine.teachers.trying import Cell
from studio.ui import links, parts
from studio.ui.parts import figures
from studio.ui.rendering import render
from studio.ui.text import Texts

if TYPE_CHECKING:
    from studio.engine.studio import Studio


def grid(
    t: Texts, teachers: Sequence[str], messages: Sequence[str], cells: Sequence[Cell], *, dropped: bool = False
) -> Markup:
    """Every place of the matrix: what arrived, what is awaited, or what was `dropped`."""
    found = {cell.place: cell for cell in cells}
    rows = [
        (
            t.name_of("message", message) or t("own.short"),
            [(name, _place(t, found.get((name, message)), dropped)) for name in teachers],
        )
        for message in messages
    ]
    summary = _summary(t, cells, len(teachers) * len(messages), dropped)
    return render("teachers/matrix", t=t, teachers=teachers, rows=rows, summary=summary)


def not_kept(t: Texts) -> Markup:
    return parts.note("quiet", t("try.not.kept"), t("try.not.kept.text"))


def no_teachers(t: Texts, here: "Studio | str") -> Markup:
    return parts.empty_state(t("empty"), t("new"), links.to("teachers", here, add="other"), icon="teachers")


def known(t: Texts, answer: str | None) -> Markup:
    """The right answer of a prompt that has one; it is never sent."""
    if not answer:
        return Markup()
    return parts.fold(t("known.answer"), parts.markdown.plain(answer), kind="try-known")


def go_label(t: Texts, count: int, cost: float | None) -> str:
    """What the button will do and roughly what it will cost."""
    if cost is None:
        return t("try.count", n=count)
    return t("try.cost", n=count, cost=figures.money(cost)) if cost else t("try.free", n=count)


def _place(t: Texts, cell: Cell | None, dropped: bool) -> Markup:
    if cell is None:
        return parts.badge("quiet", t("try.dropped")) if dropped else parts.badge("busy", t("try.asking"))
    return _answer(t, cell) if cell.error is None else parts.note("bad", t("try.failed"), t.told(cell.error))


def _answer(t: Texts, cell: Cell) -> Markup:
    took = t(
        "try.took", seconds=figures.number(cell.seconds, 2), input=cell.input_tokens, output=cell.output_tokens,
        cost=figures.money(cell.cost_usd),
    )  # fmt: skip
    return render("teachers/matrix_answer", t=t, cell=cell, took=took)


def _summary(t: Texts, cells: Sequence[Cell], wanted: int, dropped: bool) -> str:
    """How many have arrived and what they cost in all, read out as it changes."""
    spent = sum(cell.cost_usd for cell in cells)
    words = t("try.summary", done=len(cells), count=wanted, cost=figures.money(spent))
    end = t("try.dropped.text") if dropped else t("try.not.kept.text")
    return f"{words} {end}"
