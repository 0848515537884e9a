"""How models are drawn: the table, where one came from, its files with what was measured, and answers side by side."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from studio.engine.domain.states import JobState, State
from studio.ui import links, parts
from studio.ui.parts import figures
from studio.ui.rendering import render
from studio.ui.text import Texts

if TYPE_CHECKING:
    from studio.engine.inference import Reply
    from studio.engine.row_types import Job, Model, ModelFile
    from studio.engine.studio import Studio

USE_BADGES = {"yes": "good", "no": "bad", "research": "warn", "unknown": "quiet"}


@dataclass(frozen=True)
class Line:
    """One model in the table, with its state now, the dataset of its last stage and its number of GGUF files."""

    model: "Model"
    state: State
    dataset: str
    files: int


@dataclass(frozen=True)
class Said:
    """Who answered, and what: a reply, a reason why not, or neither while it is still at it."""

    who: str
    reply: "Reply | None" = None
    fault: str = ""


def models(t: Texts, lines: Sequence[Line], chosen: str, here: "Studio") -> Markup:
    """Every model, the newest first."""
    if not lines:
        return parts.empty_state(t("empty"), t("empty.do"), links.to("train", here), icon="models")
    numbers = [parts.Column(t(key), number=True) for key in ("size", "score", "files.count")]
    words = [parts.Column(t(key)) for key in ("name", "kind", "state", "parent", "data")]
    columns = [*words, *numbers, parts.Column(t("made"))]
    rows = [_row(t, line, chosen, here) for line in lines]
    selected = next((number for number, line in enumerate(lines) if line.model.name == chosen), None)
    return parts.table(columns, rows, caption=t("all"), selected=selected)


def detail(t: Texts, shown: dict[str, Any], here: "Studio", state: State | None = None) -> Markup:
    """One model: what it is, its lineage and licence verdict; `state` where its row does not say it all."""
    actions = parts.link(t("compare.with"), links.to("compare", here, first=shown["name"]), button=True)
    if shown["kind"] != "gguf":
        actions = parts.link(t("train.from"), links.to("train", here, base=shown["name"]), button=True) + actions
    warnings = shown["detail"].get("warnings") or []
    notes = parts.note("warn", t("warnings"), t.told(" ".join(warnings))) if warnings else Markup()
    return parts.grid(
        parts.card(shown["name"], parts.facts(_facts(t, shown, state)) + notes, actions=actions),
        parts.card(t("lineage"), render("models/lineage", t=t, chain=shown["lineage"], here=here)),
    )


def files(t: Texts, model: str, found: Sequence["ModelFile"], here: "Studio") -> Markup:
    """The model's GGUF files, with what is really in them and how far they answer like the original."""
    heads = ("quantization", "types", "same", "divergence", "template", "file")
    columns = [parts.Column(t(key), number=key in ("same", "divergence")) for key in heads]
    return render("models/files", t=t, columns=columns, rows=[_file(t, model, file, here) for file in found])


def model_card(t: Texts, path: str, text: str | None) -> Markup:
    """A student's card as it is in its folder, folded up. What others wrote in it is untrusted: drawn without HTML."""
    head, body = _divided(text or "")
    return render("models/model_card", t=t, path=path, text=text, head=head, body=body)


def _divided(text: str) -> tuple[str, str]:
    """(front matter, the rest without the comment at its end), as far as a file of anybody's has them."""
    opening, _, rest = text.partition("---\n")
    head, closing, body = rest.partition("\n---\n")
    if opening.strip() or not closing:
        head, body = "", text
    return head, body.rpartition("<!-- understudy card ")[0] or body


def export_progress(t: Texts, job: "Job | None") -> Markup:
    """The newest export of the model: its bar while it runs, its reason when it failed."""
    if job is None or job.state in (JobState.DONE, JobState.STOPPED):
        return Markup()
    if job.state == JobState.FAILED:
        return parts.note("bad", t("export.failed"), t.fault_of(job))
    label = t("export.running", name=str(job.payload.get("model", "")))
    return parts.progress_bar(job.done, job.total, label=label, detail=t.said_by(job) or t(f"state.{job.state}"))


def answers(t: Texts, said: Sequence[Said]) -> Markup:
    """Answers side by side. What a model wrote is untrusted and rendered as safe markdown."""
    cards = [_answer(t, one) for one in said]
    return cards[0] if len(cards) == 1 else parts.grid(*cards, columns=len(cards))


def _row(t: Texts, line: Line, chosen: str, here: "Studio") -> list[parts.Cell]:
    model = line.model
    parent = parts.link(model.parent, links.to("models", here, model=model.parent)) if model.parent else None
    dataset = parts.link(line.dataset, links.to("datasets", here, dataset=line.dataset)) if line.dataset else None
    return [
        parts.link(model.name, links.to("models", here, model=model.name), current=model.name == chosen),
        t(f"kind.{model.kind}"),
        parts.state_badge(t, line.state),
        parent,
        dataset,
        _millions(t, model.detail.get("parameters"), "parameters.short"),
        figures.share(_score(model.detail)),
        line.files,
        figures.ago(t, model.created_at),
    ]


def _facts(t: Texts, shown: dict[str, Any], state: State | None) -> list[tuple[str, parts.Cell]]:
    of = shown["detail"]
    context = of.get("context_length")
    use = shown["commercial_use"]
    verdict = render("models/verdict", t=t, kind=USE_BADGES[use], use=use, verdict=t.told(shown["licence_verdict"]))
    return [
        (t("state"), parts.state_badge(t, state or shown["state"])),
        (t("kind"), t(f"kind.{shown['kind']}")),
        (t("architecture"), of.get("architecture") or figures.UNKNOWN),
        (t("size"), _millions(t, of.get("parameters"), "parameters")),
        (t("context"), t("tokens", n=context) if context else figures.UNKNOWN),
        (t("use"), verdict),
        (t("folder"), parts.copy(t, shown["path"])),
        (t("made"), figures.ago(t, shown["created_at"])),
    ]


def _file(t: Texts, model: str, file: "ModelFile", here: "Studio") -> list[parts.Cell]:
    types = ", ".join(f"{kind} × {count}" for kind, count in sorted(file.tensor_types.items()))
    parity = file.parity or {}
    same: parts.Cell = t("unchecked")
    template: parts.Cell = None
    if parity:
        known = parity["same_answers"] is not None
        share = parity["same_answers"] if known else parity.get("identical_answers")
        same = render("models/same", t=t, share=share, known=known, prompts=parity["prompts"])
        good = parity["template_match"]
        template = parts.badge("good" if good else "bad", t("template.same" if good else "template.differs"))
    divergence = parity.get("mean_kl")
    return [
        render("models/quantization", file=file),
        types,
        same,
        None if divergence is None else f"{divergence:.2g}",
        template,
        render("models/file", t=t, file=file, model=model, here=here, is_here=here.models.is_here(file)),
    ]


def _answer(t: Texts, said: Said) -> Markup:
    if said.fault:
        return parts.card(said.who, parts.note("bad", t("try.failed", name=said.who), t.told(said.fault)))
    if said.reply is None:
        return parts.card(said.who, parts.progress_bar(0, None, label=t("try.waiting", name=said.who)))
    return parts.card(said.who, render("models/reply", t=t, reply=said.reply))


def _millions(t: Texts, parameters: int | None, key: str) -> str:
    return t(key, n=f"{parameters / 1e6:,.1f}") if parameters else figures.UNKNOWN


def _score(of: dict[str, Any]) -> float | None:
    value = of.get("exact_match", (of.get("scores") or {}).get("exact_match"))
    return value if isinstance(value, int | float) else None
