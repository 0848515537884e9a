"""What a trial shows: teachers across, system messages down, each answer with what it took. Answers are untrusted."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from markupsafe import Markup

from studio.engine.teachers.trying.matrix import Cell
from studio.ui import links, parts
from studio.ui.parts import figures
from studio.ui.text import Texts

if TYPE_CHECKING:
    from studio.engine.studio import Studio


def grid(
    t: Texts, teachers: Sequence[str], messages: Sequence[str], cells: Sequence[Cell], *, dropped: bool = False
) -> Markup:
    """Every place of the matrix: what arrived, what is awaited, or what was `dropped`."""
    found = {cell.place: cell for cell in cells}
    head = Markup().join(Markup('<th scope="col">{}</th>').format(name) for name in teachers)
    rows = Markup().join(
        Markup('<tr><th scope="row">{}</th>{}</tr>').format(
            message or t("own.short"),
            Markup().join(_place(t, teacher, message, found.get((teacher, message)), dropped) for teacher in teachers),
        )
        for message in messages
    )
    box = Markup(
        '<div class="matrix-box" tabindex="0" role="region" aria-label="{}"><table class="matrix"><thead><tr>'
        '<th class="corner"><span class="sr-only">{}</span></th>{}</tr></thead><tbody>{}</tbody></table></div>'
    ).format(t("tab.try"), t("system.message"), head, rows)
    return box + _summary(t, cells, len(teachers) * len(messages), dropped)


def not_kept(t: Texts) -> Markup:
    return parts.note("quiet", t("try.not.kept"), t("try.not.kept.text"))


def no_teachers(t: Texts, here: "Studio | str") -> Markup:
    return parts.empty_state(t("empty"), t("new"), links.to("teachers", here, add="other"), icon="teachers")


def known(t: Texts, answer: str | None) -> Markup:
    """The right answer of a prompt that has one; it is never sent."""
    if not answer:
        return Markup()
    return Markup('<details class="try-known"><summary>{}</summary>{}</details>').format(
        t("known.answer"), parts.markdown.plain(answer)
    )


def go_label(t: Texts, count: int, cost: float | None) -> str:
    """What the button will do and roughly what it will cost."""
    if cost is None:
        return t("try.count", n=count)
    return t("try.cost", n=count, cost=figures.money(cost)) if cost else t("try.free", n=count)


def _place(t: Texts, teacher: str, message: str, cell: Cell | None, dropped: bool) -> Markup:
    label = f"{teacher} · {message or t('own.short')}"
    if cell is None:
        body = parts.badge("quiet", t("try.dropped")) if dropped else parts.badge("busy", t("try.asking"))
    elif cell.error is not None:
        body = parts.note("bad", t("try.failed"), cell.error)
    else:
        body = _answer(t, cell)
    return Markup('<td data-label="{}">{}</td>').format(label, body)


def _answer(t: Texts, cell: Cell) -> Markup:
    reasoning = Markup()
    if cell.reasoning:
        reasoning = Markup("<details><summary>{}</summary>{}</details>").format(
            t("try.reasoning"), parts.markdown.plain(cell.reasoning)
        )
    cut = parts.badge("warn", t("try.cut")) if cell.finish_reason == "length" else Markup()
    said = parts.markdown.render(cell.text) if cell.text.strip() else parts.badge("warn", t("try.empty"))
    took = t(
        "try.took", seconds=figures.number(cell.seconds, 2), input=cell.input_tokens, output=cell.output_tokens,
        cost=figures.money(cell.cost_usd),
    )  # fmt: skip
    model = t("try.model", model=cell.returned_model) if cell.returned_model else ""
    return Markup('{}<div class="matrix-answer">{}</div><p class="muted" title="{}">{} {}</p>').format(
        reasoning, said, model, took, cut
    )


def _summary(t: Texts, cells: Sequence[Cell], wanted: int, dropped: bool) -> Markup:
    """How many have arrived and what they cost in all, read out as it changes."""
    spent = sum(cell.cost_usd for cell in cells)
    words = t("try.summary", done=len(cells), count=wanted, cost=figures.money(spent))
    end = t("try.dropped.text") if dropped else t("try.not.kept.text")
    return Markup('<p class="muted" role="status">{} {}</p>').format(words, end)
