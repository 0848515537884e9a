"""How the list is drawn: facets, rows, the preview of a change of many. Pure functions from values to HTML."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from markupsafe import Markup

from studio.engine.traces import TraceFilter
from studio.engine.traces.browse import Facets, TraceDetail, TracePage
from studio.engine.traces.filters import KEYS, NONE
from studio.ui import links, parts
from studio.ui.pages.traces_reader import marks, reader, value_word
from studio.ui.parts import figures
from studio.ui.text import Texts

if TYPE_CHECKING:
    from studio.engine.store.tables import Operation
    from studio.engine.studio import Studio
    from studio.ui.pages.traces import Look

SHOWN = 8
"""Values of a facet before the rest is folded away."""


def waiting(t: Texts) -> Markup:
    return Markup('<div class="traces-wait" aria-busy="true"><i></i><i></i><i></i></div>')


def body(t: Texts, look: "Look", here: "Studio") -> Markup:
    """Everything but the facets. The address, the project and the words of the script travel as data."""
    if look.wrong:
        clear = parts.link(t("filters.clear"), links.to("traces", here), button=True)
        return parts.note("warn", t("filters.wrong"), look.wrong, action=clear)
    assert look.page is not None
    filtered = not look.filter.is_empty
    if not look.page.rows and not filtered and "after" not in look.query and "before" not in look.query:
        return parts.empty_state(t("empty"), t("empty.do"), links.to("collect", here), icon="traces")
    panes = _panes(t, look, here) if look.page.rows else _none(t, here)
    return Markup(
        '<div class="traces" data-project="{}" data-query="{}" data-keep="{}" data-reject="{}" data-lost="{}" '
        'data-yes-keep="{}" data-yes-reject="{}" data-yes-tag="{}">{}{}{}</div>'
    ).format(
        here.project.name, _filters_as_query(look.query), t("state.keep"), t("state.reject"), t("lost"),
        t("all.keep"), t("all.reject"), t("all.tag"), _head(t, look, here), panes, _dialog(t),
    )  # fmt: skip


def facets(t: Texts, found: Facets, query: dict[str, str]) -> Markup:
    """Counted values as links; the chosen one takes itself off again."""
    boxes = [box for facet in found.facets if (box := _facet(t, facet.key, facet.values, query))]
    if not boxes:
        return Markup()
    more = Markup() if found.is_exact else Markup('<p class="muted">{}</p>').format(t("facets.some"))
    chosen = sum(bool(query.get(key)) for key in KEYS)
    count = Markup(' <span class="count">{}</span>').format(chosen) if chosen else Markup()
    return Markup('<details class="traces-facets" open><summary>{}{}</summary>{}{}</details>').format(
        t("filters"), count, Markup().join(boxes), more
    )


def row(t: Texts, detail: TraceDetail) -> Markup:
    """One line of the list: prompt, answer, and what is known about it."""
    trace = detail.trace
    return Markup(
        '<div role="option" class="trace-row {}" id="trace-{}" data-id="{}" aria-selected="false">'
        '<p class="asked">{}</p><p class="said">{}</p><p class="marks">{}</p></div>'
    ).format(trace.label or "", trace.id, trace.id, trace.prompt_preview, trace.response_preview,
             Markup().join(marks(t, trace, detail.tags)))  # fmt: skip


def preview(t: Texts, page: TracePage, labels: list[tuple[str, int]], filter: TraceFilter) -> Markup:
    """How many would change, how they stand now, and the first of them."""
    count = figures.number(page.count) + ("" if page.count_is_exact else "+")
    now = ", ".join(f"{figures.number(n)} {t(_state_key(label))}" for label, n in labels)
    first = Markup().join(Markup("<li>{}</li>").format(row.prompt_preview or "—") for row in page.rows)
    chips = ", ".join([*(f"{t(f'key.{key}')}: {', '.join(value_word(t, key, value) for value in values)}"
                         for key, values in filter.conditions),
                       *([f"“{filter.query}”"] if filter.query else [])])  # fmt: skip
    return Markup("<h2>{}</h2><p>{}</p><p>{}</p><ul>{}</ul>").format(
        t("all.title", count=count), chips or t("all.every"), t("all.now", states=now) if now else "", first
    )


def last_change(t: Texts, operation: "Operation | None") -> Markup:
    """What undo would take back, with its button."""
    if operation is None:
        return Markup()
    detail = operation.detail
    what = [t(_state_key(detail["label"] or NONE))] if "label" in detail else []
    what += [t("did.rated", n=detail["rating"] or 0)] if "rating" in detail else []
    what += [t("did.tagged", tag=detail["tag"])] if "tag" in detail else []
    what += [t("did.restated", terms=t(f"value.terms.{detail['terms']}"))] if operation.kind == "terms" else []
    did = t("did.repaired") if operation.kind == "repair" else ", ".join(what)
    return Markup(
        '<div class="traces-last"><span>{} · {}</span> '
        '<button type="button" class="btn" data-act="undo">{} {}</button></div>'
    ).format(t("did", n=operation.changed, what=did), figures.ago(t, operation.created_at), t("undo"), parts.keys("u"))


# --- the page around the reader


def _panes(t: Texts, look: "Look", here: "Studio") -> Markup:
    page = look.page
    assert page is not None
    rows = Markup().join(row(t, detail) for detail in look.details)
    shown = reader(t, look.chosen, here) if look.chosen else Markup()
    chosen = look.chosen.trace.id if look.chosen else ""
    return Markup(
        '<div class="traces-panes"><div class="traces-list-pane"><div id="traces-list" class="traces-list" '
        'tabindex="0" role="listbox" aria-label="{}" data-chosen="{}" data-asked="{}">{}</div>{}'
        '<p class="muted keys-hint">{}</p></div>'
        '<section id="traces-reader" class="traces-reader" aria-label="{}" tabindex="-1">{}</section></div>'
    ).format(t("title"), chosen, look.query.get("trace", ""), rows, _pager(t, look), t("keys.list"), t("reader"), shown)


def _none(t: Texts, here: "Studio") -> Markup:
    return parts.empty_state(t("none.match"), t("filters.clear"), links.to("traces", here), icon="search")


def _head(t: Texts, look: "Look", here: "Studio") -> Markup:
    page = look.page
    assert page is not None
    count = figures.number(page.count) + ("" if page.count_is_exact else "+")
    hidden = Markup().join(
        Markup('<input type="hidden" name="{}" value="{}">').format(key, value)
        for key, value in look.query.items()
        if key in KEYS or key in ("project", "lang")
    )
    form = Markup(
        '<form class="search" role="search" method="get"><input type="search" name="q" value="{}" placeholder="{}" '
        'aria-label="{}"><kbd>/</kbd>{}</form>'
    ).format(look.query.get("q", ""), t("search.in"), t("search"), hidden)
    return Markup(
        '<div class="traces-head"><div class="line"><strong>{}</strong>{}{}</div><div class="line">{}'
        '<div id="traces-last">{}</div></div></div>'
    ).format(
        t("matching", count=count, n=page.count),
        Markup().join(_chips(t, look)),
        form,
        _for_all(t, count, look.query, here) + _grade(t) if page.count else "",
        last_change(t, look.last),
    )


def _chips(t: Texts, look: "Look") -> Iterator[Markup]:
    for key, values in look.filter.conditions:
        href = _address(look.query, **{key: None})
        yield Markup('<a class="chip" href="{}" title="{}">{}: {} ×</a>').format(
            href, t("filter.off"), t(f"key.{key}"), ", ".join(value_word(t, key, value) for value in values)
        )


def _for_all(t: Texts, count: str, query: dict[str, str], here: "Studio") -> Markup:
    buttons = Markup().join(
        Markup('<button type="button" class="btn" data-all="{}">{}</button>').format(what, t(f"all.{what}.button"))
        for what in ("keep", "reject", "tag")
    )
    chosen = {key: query[key] for key in (*KEYS, "q") if query.get(key)}
    freeze = parts.link(t("freeze"), links.to("datasets", here, **chosen), button=True)
    return Markup('<details class="for-all"><summary>{}</summary><div>{}{}</div></details>').format(
        t("all", count=count), buttons, freeze
    )


def _grade(t: Texts) -> Markup:
    return Markup('<button type="button" class="btn" data-act="grade" title="{}">{}</button>').format(
        t("grade.info"), t("grade")
    )


def _pager(t: Texts, look: "Look") -> Markup:
    page = look.page
    assert page is not None
    before = parts.link(t("previous"), _address(look.query, before=page.previous), button=True) if page.previous else ""
    after = parts.link(t("next"), _address(look.query, after=page.next), button=True) if page.next else ""
    return Markup('<nav class="pager" aria-label="{}">{}{}</nav>').format(t("pages"), before, after)


def _dialog(t: Texts) -> Markup:
    return Markup(
        '<dialog id="traces-all" class="us-dialog"><div class="preview"></div><label class="tag-field" hidden>{}'
        '<input name="tag" maxlength="60"></label><div class="row">'
        '<button type="button" class="btn" data-close autofocus>{}</button>'
        '<button type="button" class="btn danger" data-act="all">{}</button></div></dialog>'
    ).format(t("tag.name"), t("cancel"), t("apply"))


def _facet(t: Texts, key: str, values: list[tuple[str, int]], query: dict[str, str]) -> Markup | None:
    chosen = query.get(key, "")
    if not chosen and (len(values) < 2 or all(value == NONE for value, _ in values)):
        return None
    lines = [_facet_value(t, key, value, count, chosen, query) for value, count in values]
    rest = Markup("<details><summary>{}</summary>{}</details>").format(
        t("facets.more", n=len(lines) - SHOWN), Markup().join(lines[SHOWN:])
    )
    return Markup('<div class="facet"><h2>{}</h2>{}{}</div>').format(
        t(f"key.{key}"), Markup().join(lines[:SHOWN]), rest if len(lines) > SHOWN else ""
    )


def _facet_value(t: Texts, key: str, value: str, count: int, chosen: str, query: dict[str, str]) -> Markup:
    on = value == chosen
    href = _address(query, **{key: None if on else value})
    return Markup('<a href="{}"{}><span>{}</span><b>{}</b></a>').format(
        href, Markup(' aria-current="true"') if on else "", value_word(t, key, value), figures.number(count)
    )


def _address(query: dict[str, str], **changes: str | None) -> str:
    """The same page with other filters, from its first page on unless a cursor is among the changes."""
    kept = {key: value for key, value in query.items() if key in (*KEYS, "q", "project", "lang")}
    return links.with_query(None, **{**kept, **changes})


def _filters_as_query(query: dict[str, str]) -> str:
    return links.with_query(None, **{key: query[key] for key in (*KEYS, "q") if query.get(key)})


def _state_key(label: str) -> str:
    return {"keep": "state.keep", "reject": "state.reject"}.get(label, "state.unlabelled")
