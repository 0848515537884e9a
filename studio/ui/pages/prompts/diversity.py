"""How varied one source is, measured when asked for: the likeness of nearest prompts beside the published figures, and
the spread over tasks, verbs and lengths."""

from typing import TYPE_CHECKING

import gradio as gr
from markupsafe import Markup

from studio.engine.domain.states import JOB_UNDER_WAY, JobState
from studio.engine.prompts import Diversity, Spread
from studio.ui import links, parts
from studio.ui.page import Page
from studio.ui.parts import figures
from studio.ui.text import Texts

if TYPE_CHECKING:
    from studio.engine.row_types import Job
    from studio.engine.studio import Studio


def build(page: Page) -> None:
    """A button below a source, and what it brings: measured by a job, whose result is shown to whoever comes back."""
    t = page.t
    button = gr.Button(t("diversity.measure"), elem_id="prompts-diversity-button", size="sm")
    shown = parts.html(elem_id="prompts-diversity")

    def measure(request: gr.Request) -> None:
        page.project(request).prompt_jobs.measure(parts.query_value(request, "source"))

    def follow(request: gr.Request) -> parts.Live:
        name = parts.query_value(request, "source")
        if not name or parts.query_value(request, "tab") not in ("", "sources"):
            return parts.Live(["", gr.skip()], busy=False)
        here = page.project(request)
        job = here.prompt_jobs.measuring(here.prompts.source(name))
        busy = job is not None and job.state in JOB_UNDER_WAY
        return parts.Live([str(measuring(t, here, job)), gr.Button(interactive=not busy)], busy=busy)

    again = page.live(follow, outputs=[shown, button])
    again(page.on(button.click, measure).then)


def measuring(t: Texts, here: "Studio", job: "Job | None") -> Markup:
    """Where measuring stands, and what was measured last."""
    if job is None:
        return Markup()
    if job.state == JobState.FAILED:
        return parts.note("bad", t("diversity.failed"), t.fault_of(job))
    if job.state in JOB_UNDER_WAY:
        said = t("arriving.waits") if job.state == JobState.QUEUED else t.said_by(job)
        return parts.card("", parts.progress_bar(job.done, job.total, label=t.title_of(job), detail=said))
    kept = (job.result or {}).get("diversity")
    return view(t, here, Diversity.of(kept)) if kept else Markup()


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
    return Markup().join(parts.bar(name, words, value / most) for name, value, words in rows)


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
    return parts.muted(text) + bars(compared) + _closest(t, here, found)


def _closest(t: Texts, here: "Studio", found: Diversity) -> Markup:
    if not found.closest:
        return Markup()
    rows = [
        [figures.share(score), _place(here, found, first), _place(here, found, second)]
        for score, first, second in found.closest
    ]
    columns = [parts.Column("BLEU", number=True), parts.Column(t("diversity.one")), parts.Column(t("diversity.other"))]
    return parts.fold(t("diversity.closest"), parts.table(columns, rows, caption=t("diversity.closest")))


def _place(here: "Studio", found: Diversity, place: int) -> Markup:
    return parts.link(f"#{place + 1:,}", links.to("prompts", here, tab="try", source=found.source, place=place + 1))


def _lengths(t: Texts, found: Diversity) -> Markup:
    begin, rows = 1, []
    for end, count in found.lengths:
        name = t("diversity.words", low=begin, high=end) if end else t("diversity.words.more", low=begin)
        rows.append((name, float(count), figures.number(count)))
        begin = (end or 0) + 1
    text = t("diversity.median", words=int(found.median_words))
    return parts.muted(text) + bars(rows)


def _spread(t: Texts, spread: Spread, remark: str) -> Markup:
    if not spread.distinct:
        return parts.note("quiet", t("diversity.no.labels"))
    text = t(
        "diversity.spread", distinct=spread.distinct, effective=figures.number(spread.effective, 1),
        covered=figures.share(spread.covered, 0),
    )  # fmt: skip
    rows = [(name, float(count), figures.number(count)) for name, count in spread.top[:8]]
    return parts.muted(text) + (parts.muted(remark) if remark else Markup()) + bars(rows)
