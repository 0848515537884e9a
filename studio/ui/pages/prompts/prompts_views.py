"""What the Prompts page shows, as pure functions from rows to HTML. Prompts come from anywhere: all text is escaped."""

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from studio.engine.prompts import DUPLICATE
from studio.ui import links, parts
from studio.ui.parts import figures
from studio.ui.rendering import render
from studio.ui.text import Texts

if TYPE_CHECKING:
    from studio.engine.row_types import Prompt, PromptSource, SystemMessage
    from studio.engine.studio import Studio

TABS = ("sources", "invent", "mixture", "messages", "try")
PREVIEW_CHARACTERS = 220
SHOWN_SKIPS = 6
MOST_UNREAD = 12


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
    head = render("prompts/source_head", t=t, here=here, source=row)
    collect = parts.link(t("collect"), links.to("collect", here, prompts=row.name), button=True, primary=True)
    origin = parts.card(t("origin"), parts.facts(_origin(t, row)), actions=collect)
    body = parts.grid(origin, parts.card(t("mix"), _mix(mix))) if mix else origin
    return head + body + left_out(t, row.detail)


def left_out(t: Texts, detail: dict[str, Any]) -> Markup:
    """Which rows of a file were left out and why, with the lines of the first ones."""
    left = detail.get("left_out") or _by_an_earlier_version(detail)
    if not left["reasons"]:
        return Markup()
    counts = ", ".join(f"{t.said(reason)}: {figures.number(count)}" for reason, count in left["reasons"])
    lines = [(line, _why(t, reason, more)) for line, reason, more in left["rows"][:SHOWN_SKIPS]]
    total = sum(count for _, count in left["reasons"])
    kind = "warn" if lines else "quiet"
    return parts.note(kind, t("left.out.n", n=total), render("prompts/left_out", t=t, counts=counts, reasons=lines))


def _why(t: Texts, reason: dict[str, Any] | str, more: dict[str, Any] | str) -> str:
    return t("reason.detail", reason=t.said(reason), detail=t.said(more)) if more else t.said(reason)


def _by_an_earlier_version(detail: dict[str, Any]) -> dict[str, Any]:
    """What a source keeps that was made before reasons were more than English."""
    rows = [[line, reason, ""] for line, reason in detail.get("examples", ()) if reason != DUPLICATE]
    return {"reasons": [*(detail.get("reasons") or {}).items()], "rows": rows}


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
            t.name_of("family", row.family) if row.family else row.task,
        ]
        for row in page
    ]
    follow = [parts.link(t("first.page"), links.to("prompts", here, source=name, q=query))] if page[0].position else []
    if len(page) == limit:
        after = links.to("prompts", here, source=name, q=query, after=page[-1].position)
        follow.append(parts.link(t("next"), after, button=True))
    return parts.table(columns, cells, caption=name) + render("prompts/steps", steps=follow)


def shortened(text: str, length: int = PREVIEW_CHARACTERS) -> str:
    """One line of a text."""
    line = " ".join(text[: length * 4].split())
    return line if len(line) <= length else line[: length - 1] + "…"


def _families(t: Texts, detail: dict[str, Any]) -> str:
    return ", ".join(t.name_of("family", name) for name in detail.get("families", ()))


def _origin(t: Texts, row: "PromptSource") -> list[tuple[str, Any]]:
    detail = row.detail
    mapping = ", ".join(f"{t(f'field.{field}')} ← {column}" for field, column in detail.get("mapping", {}).items())
    known = [
        (t("prompts"), row.count), (t("file"), detail.get("file")), (t("format"), detail.get("format")),
        (t("taken.from"), mapping),
        (t("invent.method"), t(f"invent.method.{method}") if (method := detail.get("method")) else None),
        (t("invent.teacher"), detail.get("teacher")), (t("families"), _families(t, detail)),
        (t("level"), detail.get("level")), (t("seed"), detail.get("seed")), (t("cleaned"), _cleaning(t, detail)),
        (t("unread"), ", ".join(f"{name} ({figures.number(count)})" for name, count in _unread(detail))),
        (t("created"), figures.ago(t, row.created_at)),
    ]  # fmt: skip
    return [(name, value) for name, value in known if value not in (None, "")]


def _unread(detail: dict[str, Any]) -> list[tuple[str, int]]:
    """What the rows of the file hold that was not read, the first of it."""
    unread: dict[str, int] = detail.get("unread") or {}
    return list(unread.items())[:MOST_UNREAD]


def _cleaning(t: Texts, detail: dict[str, Any]) -> str:
    counts: dict[str, int] = detail.get("cleaning") or {}
    return ", ".join(f"{t(f'rule.{rule}')}: {figures.number(count)}" for rule, count in counts.items() if count)


def _mix(mix: Sequence[tuple[str, int]]) -> Markup:
    most = max(count for _, count in mix)
    return Markup().join(parts.bar(name, figures.number(count), count / most) for name, count in mix)


# --- system messages


def library(t: Texts, here: "Studio", messages: Sequence["SystemMessage"], selected: str) -> Markup:
    """The library grouped by what a message is for; each is a link."""
    groups: dict[str, list[SystemMessage]] = {}
    for message in messages:
        groups.setdefault(t.told(message.intent) or t("no.intent"), []).append(message)
    return render("prompts/library", t=t, here=here, groups=groups, selected=selected)


def message_state(t: Texts, message: "SystemMessage", shipped: str | None) -> Markup:
    """Whether a message came with the studio, and whether it still has those words."""
    if shipped is None:
        return parts.badge("quiet", t("own.message"))
    return parts.badge("quiet", t("builtin")) if message.text == shipped else parts.badge("warn", t("builtin.edited"))


# --- trying


def as_sent(t: Texts, turns: Sequence[dict[str, Any]], *, replaced: bool, answer: str | None) -> Markup:
    """The messages of a request in their order, as a teacher would get them."""
    return render(
        "prompts/as_sent",
        t=t,
        turns=[(_role(t, turn), said(turn)) for turn in turns],
        has_system_message=bool(turns) and turns[0]["role"] == "system",
        replaced=replaced,
        answer=answer,
    )


def said(turn: dict[str, Any]) -> str:
    """What a turn says: its text, and the tools that it calls."""
    calls = turn.get("tool_calls") or turn.get("function_call")
    called = json.dumps(calls, ensure_ascii=False, indent=1) if calls else ""
    return "\n".join(filter(None, (str(turn.get("content") or ""), called)))


def _role(t: Texts, turn: dict[str, Any]) -> str:
    role, name = t(f"role.{turn['role']}"), turn.get("name") or turn.get("tool_call_id")
    return f"{role} · {name}" if name else role
