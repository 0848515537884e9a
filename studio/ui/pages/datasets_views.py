"""How datasets are drawn: the funnel with its reasons, the versions, and the rows as the student sees them."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from studio.engine.domain.terms import STRICTEST_FIRST
from studio.engine.traces import NO_VALUE, FreezeOutlook, TraceFilter
from studio.ui import links, parts
from studio.ui.pages.traces_reader import value_word
from studio.ui.parts import figures
from studio.ui.rendering import render
from studio.ui.text import Texts

if TYPE_CHECKING:
    from studio.engine.row_types import Dataset
    from studio.engine.studio import Studio

KEPT, MATCHING = "kept", "matching"
SHOWN_TURN = 3_000
REMARKED = (("flag", "length"), ("flag", "refusal"), ("correct", "no"), ("label", NO_VALUE))
"""What is worth a look before freezing, and the filter that shows it."""


def funnel(t: Texts, outlook: FreezeOutlook, filter: TraceFilter, here: "Studio | str") -> Markup:
    """From what matches to what enters, a bar for each step, and remarks that link to the traces they are about."""
    counts = dict(outlook.steps)
    if not counts[MATCHING]:
        if filter.is_empty:
            return parts.empty_state(t("empty"), t("empty.do"), links.to("collect", here), icon="datasets")
        return parts.empty_state(t("none.match"), t("see.traces"), links.to("traces", here), icon="search")
    shown = [step for step in outlook.steps if step[1] or step[0] == KEPT]
    body = render(
        "datasets/funnel",
        t=t,
        steps=shown,
        matching=counts[MATCHING],
        conditions=[_condition(t, key, values) for key, values in filter.conditions],
        query=filter.query,
        remarks=list(_remarks(t, outlook, filter, here)),
    )
    title = t("funnel", matching=counts[MATCHING], kept=counts[KEPT])
    see = parts.link(t("see.traces"), links.to("traces", here, q=filter.query, **_single(filter)), button=True)
    return parts.card(title, body, actions=see)


def versions(t: Texts, found: Sequence["Dataset"], ref: str, here: "Studio | str") -> Markup:
    """Every version, the newest first."""
    if not found:
        return Markup()
    rows: list[list[parts.Cell]] = [
        [
            parts.link(one.ref, links.to("datasets", here, dataset=one.ref), current=one.ref == ref),
            one.train_rows,
            one.test_rows,
            _terms(t, one),
            parts.copy(t, one.sha256, shown=one.sha256[:10]),
            figures.ago(t, one.created_at),
        ]
        for one in found
    ]
    selected = next((n for n, one in enumerate(found) if one.ref == ref), None)
    sizes = [parts.Column(t(side), number=True) for side in ("train", "test")]
    columns: list[parts.Column | str] = [t("dataset"), *sizes, t("terms"), t("sha256"), t("created")]
    return parts.section(t("versions")) + parts.table(columns, rows, caption=t("versions"), selected=selected)


def detail(t: Texts, one: "Dataset", rows: list[dict[str, Any]], file: str, here: "Studio | str") -> Markup:
    """How a version was made, and its first rows."""
    facts = contradictions(t, one, here) + parts.facts(_facts(t, one, file))
    train = parts.link(t("train.with"), links.to("train", here, dataset=one.ref), button=True)
    close = parts.link(t("close"), links.to("datasets", here), button=True)
    preview = render("datasets/preview", t=t, rows=rows, most=SHOWN_TURN)
    return render("datasets/detail", t=t, ref=one.ref, facts=facts, actions=train + close, preview=preview)


def contradictions(t: Texts, one: "Dataset", here: "Studio | str") -> Markup:
    """A warning where a prompt has different answers whose system messages are erased."""
    found = one.detail.get("contradictions") or {"prompts": 0}
    if not found["prompts"]:
        return Markup()
    text = render("datasets/contradictions", t=t, found=found, here=here)
    return parts.note("warn", t("contradictions", n=found["prompts"]), text)


def _remarks(t: Texts, outlook: FreezeOutlook, filter: TraceFilter, here: "Studio | str") -> Iterator[tuple[str, str]]:
    """Words, and the address that shows what they are about."""
    for (key, value), count in outlook.remarked.items():
        if count and not filter.values(key):
            query = {**_single(filter), key: value}
            yield t(f"remark.{key}.{value}", n=count), links.to("traces", here, q=filter.query, **query)


def _single(filter: TraceFilter) -> dict[str, str]:
    return {key: values[0] for key, values in filter.conditions}


def _terms(t: Texts, one: "Dataset") -> Markup:
    """One badge for each of the terms inside, the strictest first."""
    inside = one.detail.get("terms", {})
    order = [terms for terms in STRICTEST_FIRST if terms in inside]
    return render("datasets/terms", t=t, ordered=order)


def _facts(t: Texts, one: "Dataset", file: str) -> list[tuple[str, parts.Cell]]:
    made = one.detail
    teachers = render("datasets/teachers", t=t, teachers=made.get("teachers", {}))
    steps = ", ".join(f"{t(f'reason.{reason}')} {figures.number(count)}" for reason, count in made.get("funnel", ()))
    filter = "; ".join(_condition(t, key, value) for key, value in made.get("filter", {}).items())
    avoided = ", ".join(f"{file['file']} ({figures.number(file['prompts'])})" for file in made.get("avoid", ()))
    lines: list[tuple[str, parts.Cell]] = [
        (t("rows"), t("rows.of", train=one.train_rows, test=one.test_rows)),
        (t("funnel.short"), steps),
        (t("filter"), filter or t("filter.none")),
        (t("teachers"), teachers),
        (t("system.message"), t("system.kept") if made.get("keep_system_message") else t("system.erased")),
        (t("sha256"), parts.copy(t, one.sha256)),
        (t("file"), parts.copy(t, file)),
    ]
    return [*lines[:3], (t("avoid.short"), avoided), *lines[3:]] if avoided else lines


def _condition(t: Texts, key: str, values: Any) -> str:
    """A condition of a filter in the words of the traces page."""
    words = t.of("traces")
    name = words(f"key.{key}") if words.has(f"key.{key}") else key
    listed = [values] if isinstance(values, str) else [value_word(words, key, str(value)) for value in values]
    return f"{name}: {', '.join(listed)}"
