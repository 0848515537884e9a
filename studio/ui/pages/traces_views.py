"""How the list is drawn: facets, rows, the preview of a change of many. Pure functions from values to HTML."""

from collections.abc import Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from markupsafe import Markup

from studio.engine.domain.states import OperationState
from studio.engine.traces import FILTER_KEYS, NO_VALUE, Facets, TraceDetail, TraceFilter, TracePage
from studio.ui import links
from studio.ui.pages.traces_look import Look
from studio.ui.pages.traces_reader import reader, value_word
from studio.ui.parts import figures
from studio.ui.parts.marking import marked
from studio.ui.rendering import render
from studio.ui.text import Texts

if TYPE_CHECKING:
    from studio.engine.row_types import Operation
    from studio.engine.studio import Studio

NAMED = 3
"""Traces that a notice names."""
SHOWN = 8
"""Values of a facet before the rest is folded away."""


def waiting(t: Texts) -> Markup:
    return render("traces/waiting")


def body(t: Texts, look: Look, here: "Studio") -> Markup:
    """Everything but the facets. The address, the project and the words of the script travel as data."""
    if look.page is None:
        return render("traces/body", t=t, look=look, here=here)
    query, page = look.query, look.page
    turned = "after" in query or "before" in query
    return render(
        "traces/body",
        t=t,
        look=look,
        here=here,
        nothing_yet=not page.rows and look.filter.is_empty and not turned,
        filters=links.with_query(None, **_chosen(query)),
        under_way=under_way(t, here.traces.under_way(), here),
        count=_counted(page),
        hidden={key: value for key, value in query.items() if key in (*FILTER_KEYS, "project", "lang")},
        chosen=_chosen(query),
        rows=[row(t, detail, look.filter.query) for detail in look.details],
        reader=reader(t, look.chosen, here, look.filter.query) if look.chosen else "",
        last=last_change(t, look.last),
        address=partial(_address, query),
        words=_words,
    )


def under_way(t: Texts, operations: Iterable["Operation"], here: "Studio") -> Markup:
    """A note for each change of which some traces have theirs and others do not yet; empty when there is none."""
    return render("traces/under_way", t=t, operations=operations, here=here)


def facets(t: Texts, found: Facets, query: dict[str, str]) -> Markup:
    """Counted values as links; the chosen one takes itself off again."""
    return render(
        "traces/facets",
        t=t,
        boxes=[facet for facet in found.facets if query.get(facet.key) or _divides(facet.values)],
        query=query,
        chosen=sum(bool(query.get(key)) for key in FILTER_KEYS),
        is_exact=found.is_exact,
        most=SHOWN,
        address=partial(_address, query),
        value_word=value_word,
    )


def row(t: Texts, detail: TraceDetail, query: str = "") -> Markup:
    """One line of the list: prompt, answer, and what is known about it; what the search found is marked."""
    found = partial(marked, query=query)
    return render("traces/row", t=t, trace=detail.trace, tags=detail.tags, value_word=value_word, marked=found)


def preview(t: Texts, page: TracePage, labels: list[tuple[str, int]], filter: TraceFilter) -> Markup:
    """How many would change, how they stand now, and the first of them."""
    now = ", ".join(f"{figures.number(n)} {t(_state_key(label))}" for label, n in labels)
    chips = [f"{t(f'key.{key}')}: {_words(t, key, values)}" for key, values in filter.conditions]
    chips += [f"“{filter.query}”"] if filter.query else []
    return render("traces/preview", t=t, count=_counted(page), chips=", ".join(chips), now=now, rows=page.rows)


def last_change(t: Texts, operation: "Operation | None") -> Markup:
    """What undo would take back, with its button."""
    if operation is None:
        return Markup()
    return render("traces/last_change", t=t, operation=operation, what=done_by(t, operation))


def undone(t: Texts, operation: "Operation", traces: Sequence[int]) -> str:
    """What was taken back: which change, of how many traces, and the first of them."""
    shown = ", ".join(f"#{trace}" for trace in traces[:NAMED]) + ("…" if operation.changed > NAMED else "")
    key = "undoing" if operation.state == OperationState.UNDOING else "undo.done"
    return t(key, n=operation.changed, what=done_by(t, operation), which=shown or figures.UNKNOWN)


def done_by(t: Texts, operation: "Operation") -> str:
    """A change in words: the label, rating, tag or terms that it gave, or that an answer was repaired."""
    detail = operation.detail
    what = [t(_state_key(detail["label"] or NO_VALUE))] if "label" in detail else []
    what += [t("did.rated", n=detail["rating"] or 0)] if "rating" in detail else []
    what += [t("did.tagged", tag=detail["tag"])] if "tag" in detail else []
    what += [t("did.restated", terms=t(f"value.terms.{detail['terms']}"))] if operation.kind == "terms" else []
    return t("did.repaired") if operation.kind == "repair" else ", ".join(what)


def _counted(page: TracePage) -> str:
    return figures.number(page.count) + ("" if page.count_is_exact else "+")


def _divides(values: list[tuple[str, int]]) -> bool:
    """Whether a facet's values are of use: more than one, and not all unknown."""
    return len(values) > 1 and any(value != NO_VALUE for value, _ in values)


def _words(t: Texts, key: str, values: Iterable[str]) -> str:
    return ", ".join(value_word(t, key, value) for value in values)


def _address(query: dict[str, str], **changes: str | None) -> str:
    """The same page with other filters, from its first page on unless a cursor is among the changes."""
    kept = {key: value for key, value in query.items() if key in (*FILTER_KEYS, "q", "project", "lang")}
    return links.with_query(None, **{**kept, **changes})


def _chosen(query: dict[str, str]) -> dict[str, str]:
    """The filters and the search in an address."""
    return {key: query[key] for key in (*FILTER_KEYS, "q") if query.get(key)}


def _state_key(label: str) -> str:
    return {"keep": "state.keep", "reject": "state.reject"}.get(label, "state.unlabelled")
