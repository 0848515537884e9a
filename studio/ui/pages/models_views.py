"""How models are drawn: the table, where one came from, its files with what was measured, and answers side by side."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from studio.ui import links, parts
from studio.ui.parts import figures
from studio.ui.text import Texts

if TYPE_CHECKING:
    from studio.engine.inference import Reply
    from studio.engine.store.tables import Job, Model, ModelFile
    from studio.engine.studio import Studio

USE_BADGES = {"yes": "good", "no": "bad", "research": "warn", "unknown": "quiet"}


@dataclass(frozen=True)
class Line:
    """One model in the table, with the dataset of its last stage and its number of GGUF files."""

    model: "Model"
    dataset: str
    files: int


@dataclass(frozen=True)
class Said:
    """Who answered, and what: a reply, a reason why not, or neither while it is still at it."""

    who: str
    reply: "Reply | None" = None
    fault: str = ""


def section(title: str) -> Markup:
    return Markup('<h2 class="section-title">{}</h2>').format(title)


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


def detail(t: Texts, shown: dict[str, Any], here: "Studio") -> Markup:
    """One model: what it is, its lineage and licence verdict."""
    actions = parts.link(t("compare.with"), links.to("compare", here, first=shown["name"]), button=True)
    if shown["kind"] != "gguf":
        actions = parts.link(t("train.from"), links.to("train", here, base=shown["name"]), button=True) + actions
    warnings = shown["detail"].get("warnings") or []
    notes = parts.note("warn", t("warnings"), " ".join(warnings)) if warnings else Markup()
    return parts.grid(
        parts.card(shown["name"], parts.facts(_facts(t, shown)) + notes, actions=actions),
        parts.card(t("lineage"), _lineage(t, shown["lineage"], here)),
    )


def files(t: Texts, model: str, found: Sequence["ModelFile"], here: "Studio") -> Markup:
    """The model's GGUF files, with what is really in them and how far they answer like the original."""
    if not found:
        return Markup('<p class="muted">{}</p>').format(t("files.none"))
    heads = ("quantization", "types", "same", "divergence", "template", "file")
    columns = [parts.Column(t(key), number=key in ("same", "divergence")) for key in heads]
    return parts.table(columns, [_file(t, model, file, here) for file in found], caption=t("files"))


def model_card(t: Texts, path: str, text: str | None) -> Markup:
    """A student's card as it is in its folder, folded up. What others wrote in it is untrusted: drawn without HTML."""
    if text is None:
        return Markup('<p class="muted">{}</p>').format(t("card.none"))
    head, body = _divided(text)
    return Markup(
        '<details class="model-card"><summary>{}</summary><p>{}</p><pre class="plain">{}</pre>{}</details>'
    ).format(t("card.read"), parts.copy(t, text, shown=path), head, parts.markdown.render(body))


def _divided(text: str) -> tuple[str, str]:
    """(front matter, the rest without the comment at its end), as far as a file of anybody's has them."""
    opening, _, rest = text.partition("---\n")
    head, closing, body = rest.partition("\n---\n")
    if opening.strip() or not closing:
        head, body = "", text
    return head, body.rpartition("<!-- understudy card ")[0] or body


def export_progress(t: Texts, job: "Job | None") -> Markup:
    """The newest export of the model: its bar while it runs, its reason when it failed."""
    if job is None or job.state in ("done", "stopped"):
        return Markup()
    if job.state == "failed":
        return parts.note("bad", t("export.failed"), job.error or "")
    label = t("export.running", name=str(job.payload.get("model", "")))
    return parts.progress_bar(job.done, job.total, label=label, detail=job.message or t(f"state.{job.state}"))


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
        parts.state_badge(t, model.state),
        parent,
        dataset,
        _millions(t, model.detail.get("parameters"), "parameters.short"),
        figures.share(_score(model.detail)),
        line.files,
        figures.ago(t, model.created_at),
    ]


def _facts(t: Texts, shown: dict[str, Any]) -> list[tuple[str, parts.Cell]]:
    of = shown["detail"]
    context = of.get("context_length")
    use = shown["commercial_use"]
    verdict = Markup("{}<br><span>{}</span>").format(
        parts.badge(USE_BADGES[use], t(f"use.{use}")), shown["licence_verdict"]
    )
    return [
        (t("state"), parts.state_badge(t, shown["state"])),
        (t("kind"), t(f"kind.{shown['kind']}")),
        (t("architecture"), of.get("architecture") or figures.UNKNOWN),
        (t("size"), _millions(t, of.get("parameters"), "parameters")),
        (t("context"), t("tokens", n=context) if context else figures.UNKNOWN),
        (t("use"), verdict),
        (t("folder"), parts.copy(t, shown["path"])),
        (t("made"), figures.ago(t, shown["created_at"])),
    ]


def _lineage(t: Texts, chain: Sequence[dict[str, Any]], here: "Studio") -> Markup:
    """The model at the top, the base it goes back to at the bottom."""
    steps = Markup().join(_ancestor(t, ancestor, here) for ancestor in chain)
    return Markup('<ol class="lineage">{}</ol>').format(steps)


def _ancestor(t: Texts, ancestor: dict[str, Any], here: "Studio") -> Markup:
    known = ancestor["kind"] != "elsewhere"
    name = (
        parts.link(ancestor["model"], links.to("models", here, model=ancestor["model"])) if known else ancestor["model"]
    )
    licence = Markup(" · {}").format(ancestor["licence"]) if ancestor["licence"] else ""
    stages = Markup().join(_stage(t, stage, here) for stage in ancestor["stages"])
    return Markup("<li><b>{}</b> <span>{}{}</span>{}</li>").format(name, t(f"kind.{ancestor['kind']}"), licence, stages)


def _stage(t: Texts, stage: dict[str, Any], here: "Studio") -> Markup:
    if not stage["sha256"]:
        return Markup('<div class="lineage-stage">{}</div>').format(
            t("lineage.stage.lost", stage=stage["name"], dataset=stage["dataset"])
        )
    words = t("lineage.stage", stage=stage["name"], n=stage["rows"], dataset=stage["dataset"])
    teachers = Markup().join(
        Markup("<div>{} {}</div>").format(
            t("lineage.teacher", name=share["teacher"], n=share["traces"]), parts.state_badge(t, share["terms"])
        )
        for share in stage["teachers"]
    )
    to = links.to("datasets", here, dataset=stage["dataset"])
    return Markup('<div class="lineage-stage">{}{}</div>').format(parts.link(words, to), teachers)


def _file(t: Texts, model: str, file: "ModelFile", here: "Studio") -> list[parts.Cell]:
    types = ", ".join(f"{kind} × {count}" for kind, count in sorted(file.tensor_types.items()))
    parity = file.parity or {}
    same: parts.Cell = t("unchecked")
    template: parts.Cell = None
    if parity:
        same = Markup("{} <small>{}</small>").format(
            figures.share(parity["same_answers"]), t("same.detail", n=parity["prompts"])
        )
        good = parity["template_match"]
        template = parts.badge("good" if good else "bad", t("template.same" if good else "template.differs"))
    divergence = parity.get("mean_kl")
    there = Path(file.path).is_file()
    address = links.model_file(here, model, file.quantization)
    take = parts.link(t("download"), address, button=True) if there else parts.badge("warn", t("gone"))
    digest = Markup('<small title="SHA-256">{}</small>').format(parts.copy(t, file.sha256, shown=file.sha256[:10]))
    return [
        Markup("<b>{}</b><br><small>{}</small>").format(file.quantization, figures.size(file.bytes)),
        types,
        same,
        None if divergence is None else f"{divergence:.2g}",
        template,
        Markup('<div class="models-file">{}{}</div>').format(take, digest),
    ]


def _answer(t: Texts, said: Said) -> Markup:
    if said.fault:
        return parts.card(said.who, parts.note("bad", t("try.failed", name=said.who), said.fault))
    if said.reply is None:
        return parts.card(said.who, parts.progress_bar(0, None, label=t("try.waiting", name=said.who)))
    reply = said.reply
    took = t("try.took", seconds=f"{reply.seconds:.1f}", n=reply.output_tokens)
    cut = Markup(" {}").format(parts.badge("warn", t("try.cut"))) if reply.finish_reason == "length" else ""
    text = parts.markdown.render(reply.text) if reply.text.strip() else Markup("<em>{}</em>").format(t("try.blank"))
    return parts.card(said.who, text + Markup('<p class="muted">{}{}</p>').format(took, cut))


def _millions(t: Texts, parameters: int | None, key: str) -> str:
    return t(key, n=f"{parameters / 1e6:,.1f}") if parameters else figures.UNKNOWN


def _score(of: dict[str, Any]) -> float | None:
    value = of.get("exact_match", (of.get("scores") or {}).get("exact_match"))
    return value if isinstance(value, int | float) else None
