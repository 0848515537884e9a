"""How varied one source is, measured when asked for: the likeness of nearest prompts beside the published figures, and
the spread over tasks, verbs and lengths."""

from typing import TYPE_CHECKING

import gradio as gr
from markupsafe import Markup

from studio.engine.prompts.diversity import Diversity, Spread, measure
from studio.ui import links, parts
from studio.ui.parts import figures
from studio.ui.text import Texts

if TYPE_CHECKING:
    from studio.engine.studio import Studio


def build(studio: "Studio", t: Texts) -> None:
    """A button below a source, and what it brings."""
    button = gr.Button(t("diversity.measure"), elem_id="prompts-diversity-button", size="sm")
    shown = parts.html(elem_id="prompts-diversity")

    def look(request: gr.Request) -> str:
        here = parts.project_of(request, studio)
        source = here.prompts.source(parts.query_value(request, "source"))
        return str(view(t, here, measure(here.database, source)))

    button.click(
        parts.run_safely(look, t), None, shown, show_progress="minimal", show_progress_on=button,
        api_visibility="private",
    )  # fmt: skip


def view(t: Texts, here: "Studio", found: Diversity) -> Markup:
    """Everything that was measured."""
    return parts.grid(
        parts.card(t("diversity.nearest"), _nearest(t, here, found)),
        parts.card(t("diversity.lengths"), _lengths(t, found)),
        parts.card(t("diversity.verbs"), _spread(t, found.verb_nouns, t("diversity.verbs.text"))),
        parts.card(t("diversity.tasks"), _spread(t, found.tasks, "")),
    )


def bars(rows: list[tuple[str, float, str]]) -> Markup:
    """Named bars with their figures in words; the longest fills the line."""
    most = max((value for _, value, _ in rows), default=0) or 1
    return Markup().join(
        Markup(
            '<div class="bar-box"><div class="bar-line"><strong>{}</strong><span>{}</span></div>'
            '<div class="bar" aria-hidden="true"><i style="width:{:.1f}%"></i></div></div>'
        ).format(name, words, 100 * value / most)
        for name, value, words in rows
    )


def _nearest(t: Texts, here: "Studio", found: Diversity) -> Markup:
    if found.nearest_bleu is None:
        return parts.note("quiet", t("diversity.alone"))
    compared = [
        (t("diversity.broad"), found.published["broad"], figures.share(found.published["broad"], 0)),
        (t("diversity.here"), found.nearest_bleu, figures.share(found.nearest_bleu)),
        (t("diversity.templates"), found.published["super_natural_instructions"],
         figures.share(found.published["super_natural_instructions"], 0)),
    ]  # fmt: skip
    text = t("diversity.nearest.text", asked=found.asked, among=found.looked_at)
    return Markup('<p class="muted">{}</p>{}{}').format(text, bars(compared), _closest(t, here, found))


def _closest(t: Texts, here: "Studio", found: Diversity) -> Markup:
    if not found.closest:
        return Markup()
    rows = [
        [figures.share(score), _place(here, found, first), _place(here, found, second)]
        for score, first, second in found.closest
    ]
    columns = [parts.Column("BLEU", number=True), parts.Column(t("diversity.one")), parts.Column(t("diversity.other"))]
    return Markup("<details><summary>{}</summary>{}</details>").format(
        t("diversity.closest"), parts.table(columns, rows, caption=t("diversity.closest"))
    )


def _place(here: "Studio", found: Diversity, place: int) -> Markup:
    return parts.link(f"#{place + 1:,}", links.to("prompts", here, tab="try", source=found.source, place=place + 1))


def _lengths(t: Texts, found: Diversity) -> Markup:
    begin, rows = 1, []
    for end, count in found.lengths:
        name = t("diversity.words", low=begin, high=end) if end else t("diversity.words.more", low=begin)
        rows.append((name, float(count), figures.number(count)))
        begin = (end or 0) + 1
    text = t("diversity.median", words=int(found.median_words))
    return Markup('<p class="muted">{}</p>{}').format(text, bars(rows))


def _spread(t: Texts, spread: Spread, remark: str) -> Markup:
    if not spread.distinct:
        return parts.note("quiet", t("diversity.no.labels"))
    text = t(
        "diversity.spread", distinct=spread.distinct, effective=figures.number(spread.effective, 1),
        covered=figures.share(spread.covered, 0),
    )  # fmt: skip
    rows = [(name, float(count), figures.number(count)) for name, count in spread.top[:8]]
    more = Markup('<p class="muted">{}</p>').format(remark) if remark else Markup()
    return Markup('<p class="muted">{}</p>{}{}').format(text, more, bars(rows))
