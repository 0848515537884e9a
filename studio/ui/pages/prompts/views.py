"""What the Prompts page shows, as pure functions from rows to HTML. Prompts come from anywhere: all text is escaped."""

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from studio.ui import links, parts
from studio.ui.parts import figures
from studio.ui.text import Texts

if TYPE_CHECKING:
    from studio.engine.store.tables import Prompt, PromptSource, SystemMessage
    from studio.engine.studio import Studio

TABS = ("sources", "invent", "mixture", "messages", "try")
PREVIEW_CHARACTERS = 220
SHOWN_SKIPS = 6


def tab_of(name: str) -> str:
    """A known tab; the first one for anything else."""
    return name if name in TABS else TABS[0]


def tabs(t: Texts, here: "Studio", current: str) -> Markup:
    return parts.tabs(
        parts.Tab(t(f"tab.{name}"), links.to("prompts", here, tab=name), current=name == current) for name in TABS
    )


# --- sources


def sources(t: Texts, here: "Studio", rows: Sequence["PromptSource"]) -> Markup:
    """All sources, or what to do when there are none."""
    if not rows:
        return parts.empty_state(t("empty"), t("empty.action"), "#prompts-import-file", icon="prompts")
    columns = [
        parts.Column(t("name"), wide=True), parts.Column(t("kind")), parts.Column(t("prompts"), number=True),
        parts.Column(t("left.out"), number=True), parts.Column(t("created")),
    ]  # fmt: skip
    cells: list[list[Any]] = [
        [
            parts.link(row.name, links.to("prompts", here, source=row.name)),
            t(f"kind.{row.kind}") if t.has(f"kind.{row.kind}") else row.kind,
            row.count,
            sum(row.detail.get("reasons", {}).values()),
            figures.ago(t, row.created_at),
        ]
        for row in rows
    ]
    return parts.table(columns, cells, caption=t("tab.sources"))


def source(t: Texts, here: "Studio", row: "PromptSource", mix: Sequence[tuple[str, int]]) -> Markup:
    """One source: where it came from, what was left out, what it is made of."""
    head = Markup('<div class="stack"><p>{}</p><h2 class="prompts-title">{}</h2></div>').format(
        parts.link(t("all.sources"), links.to("prompts", here)), row.name
    )
    collect = parts.link(t("collect"), links.to("collect", here, prompts=row.name), button=True, primary=True)
    origin = parts.card(t("origin"), parts.facts(_origin(t, row)), actions=collect)
    body = parts.grid(origin, parts.card(t("mix"), _mix(mix))) if mix else origin
    return Markup("{}{}{}").format(head, body, left_out(t, row.detail))


def left_out(t: Texts, detail: dict[str, Any]) -> Markup:
    """Which rows of a file were left out and why, with the lines of the first ones."""
    reasons: dict[str, int] = detail.get("reasons") or {}
    if not reasons:
        return Markup()
    counts = ", ".join(f"{reason_words(t, reason)}: {figures.number(count)}" for reason, count in reasons.items())
    examples = [(line, reason) for line, reason in detail.get("examples", ()) if reason != "duplicate"]
    lines = Markup().join(
        Markup("<li>{}</li>").format(t("line", line=line, reason=reason_words(t, reason)))
        for line, reason in examples[:SHOWN_SKIPS]
    )
    total = sum(reasons.values())
    kind = "quiet" if set(reasons) == {"duplicate"} else "warn"
    text = Markup("{}<ul>{}</ul>").format(counts, lines) if lines else counts
    return parts.note(kind, t("left.out.n", n=total), text)


def reason_words(t: Texts, reason: str) -> str:
    """The engine's reason in the page's language, with its detail as it is."""
    plain, bracket, detail = reason.partition(" (")
    return (t(f"reason.{plain}") if t.has(f"reason.{plain}") else plain) + bracket + detail


def rows(t: Texts, here: "Studio", name: str, page: Sequence["Prompt"], *, query: str, limit: int) -> Markup:
    """A page of prompts; the next page and the search are in the address."""
    if not page:
        return parts.note("quiet", t("no.match", query=query) if query else t("no.more"))
    columns = [
        parts.Column("#", number=True), parts.Column(t("prompt"), wide=True), parts.Column(t("known.answer")),
        parts.Column(t("family.or.task")),
    ]  # fmt: skip
    cells: list[list[Any]] = [
        [
            row.position + 1,
            parts.link(shortened(row.text), links.to("prompts", here, tab="try", source=name, place=row.position + 1)),
            shortened(row.answer or "", 60),
            row.family or row.task,
        ]
        for row in page
    ]
    follow = [parts.link(t("first.page"), links.to("prompts", here, source=name, q=query))] if page[0].position else []
    if len(page) == limit:
        after = links.to("prompts", here, source=name, q=query, after=page[-1].position)
        follow.append(parts.link(t("next"), after, button=True))
    steps = Markup('<div class="toolbar prompts-steps">{}</div>').format(Markup(" ").join(follow))
    return parts.table(columns, cells, caption=name) + steps


def shortened(text: str, length: int = PREVIEW_CHARACTERS) -> str:
    """One line of a text."""
    line = " ".join(text[: length * 4].split())
    return line if len(line) <= length else line[: length - 1] + "…"


def _origin(t: Texts, row: "PromptSource") -> list[tuple[str, Any]]:
    detail = row.detail
    mapping = ", ".join(f"{t(f'field.{field}')} ← {column}" for field, column in detail.get("mapping", {}).items())
    known = [
        (t("prompts"), row.count), (t("file"), detail.get("file")), (t("format"), detail.get("format")),
        (t("taken.from"), mapping),
        (t("invent.method"), t(f"invent.method.{method}") if (method := detail.get("method")) else None),
        (t("invent.teacher"), detail.get("teacher")), (t("families"), ", ".join(detail.get("families", ()))),
        (t("level"), detail.get("level")), (t("seed"), detail.get("seed")), (t("cleaned"), _cleaning(t, detail)),
        (t("created"), figures.ago(t, row.created_at)),
    ]  # fmt: skip
    return [(name, value) for name, value in known if value not in (None, "")]


def _cleaning(t: Texts, detail: dict[str, Any]) -> str:
    counts: dict[str, int] = detail.get("cleaning") or {}
    return ", ".join(f"{t(f'rule.{rule}')}: {figures.number(count)}" for rule, count in counts.items() if count)


def _mix(mix: Sequence[tuple[str, int]]) -> Markup:
    most = max(count for _, count in mix)
    return Markup().join(
        Markup(
            '<div class="bar-box"><div class="bar-line"><strong>{}</strong><span>{}</span></div>'
            '<div class="bar" aria-hidden="true"><i style="width:{:.1f}%"></i></div></div>'
        ).format(name, figures.number(count), 100 * count / most)
        for name, count in mix
    )


# --- system messages


def library(t: Texts, here: "Studio", messages: Sequence["SystemMessage"], selected: str) -> Markup:
    """The library grouped by what a message is for; each is a link."""
    groups: dict[str, list[SystemMessage]] = {}
    for message in messages:
        groups.setdefault(message.intent or t("no.intent"), []).append(message)
    new = parts.link(t("message.new"), links.to("prompts", here, tab="messages", message="+"), button=True)
    return Markup('<nav class="prompts-library" aria-label="{}">{}{}</nav>').format(
        t("tab.messages"), Markup().join(_group(here, *group, selected) for group in groups.items()), new
    )


def _group(here: "Studio", intent: str, messages: Sequence["SystemMessage"], selected: str) -> Markup:
    items = Markup().join(
        Markup("<li>{}</li>").format(
            parts.link(
                message.name,
                links.to("prompts", here, tab="messages", message=message.name),
                current=message.name == selected,
            )
        )
        for message in messages
    )
    return Markup('<h3 class="section-title">{}</h3><ul>{}</ul>').format(intent, items)


def message_state(t: Texts, message: "SystemMessage", shipped: str | None) -> Markup:
    """Whether a message came with the studio, and whether it still has those words."""
    if shipped is None:
        return parts.badge("quiet", t("own.message"))
    return parts.badge("quiet", t("builtin")) if message.text == shipped else parts.badge("warn", t("builtin.edited"))


# --- trying


def as_sent(t: Texts, turns: Sequence[dict[str, Any]], *, replaced: bool, answer: str | None) -> Markup:
    """The messages of a request in their order, as a teacher would get them."""
    boxes = Markup().join(
        Markup('<section class="card prompts-turn"><header><h2>{}</h2></header>{}</section>').format(
            _role(t, turn), parts.markdown.plain(said(turn))
        )
        for turn in turns
    )
    remarks = [] if turns and turns[0]["role"] == "system" else [parts.note("quiet", t("no.system.sent"))]
    if replaced:
        remarks.append(parts.note("warn", t("system.replaced")))
    known = parts.card(t("known.answer.kept"), parts.markdown.plain(answer)) if answer else Markup()
    return Markup('<div class="stack">{}{}{}</div>').format(Markup().join(remarks), boxes, known)


def said(turn: dict[str, Any]) -> str:
    """What a turn says: its text, and the tools that it calls."""
    calls = turn.get("tool_calls") or turn.get("function_call")
    called = json.dumps(calls, ensure_ascii=False, indent=1) if calls else ""
    return "\n".join(filter(None, (str(turn.get("content") or ""), called)))


def _role(t: Texts, turn: dict[str, Any]) -> str:
    role, name = t(f"role.{turn['role']}"), turn.get("name") or turn.get("tool_call_id")
    return f"{role} · {name}" if name else role
