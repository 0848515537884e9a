"""How datasets are drawn: the funnel with its reasons, the versions, and the rows as the student sees them."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from studio.engine.traces import TraceFilter
from studio.engine.traces.browse import Facets
from studio.engine.traces.filters import NONE
from studio.ui import links, parts
from studio.ui.pages.traces_reader import value_word
from studio.ui.parts import figures
from studio.ui.text import Texts

if TYPE_CHECKING:
    from studio.engine.store.tables import Dataset
    from studio.engine.studio import Studio

KEPT, MATCHING = "kept", "matching"
SHOWN_TURN = 3_000
REMARKED = (("flag", "length"), ("flag", "refusal"), ("correct", "no"), ("label", NONE))
"""What is worth a look before freezing, and the filter that shows it."""


def section(title: str) -> Markup:
    return Markup('<h2 class="section-title">{}</h2>').format(title)


def funnel(t: Texts, steps: list[tuple[str, int]], facets: Facets, filter: TraceFilter, here: "Studio | str") -> Markup:
    """From what matches to what enters, a bar for each step, and remarks that link to the traces they are about."""
    counts = dict(steps)
    if not counts[MATCHING]:
        if filter.is_empty:
            return parts.empty_state(t("empty"), t("empty.do"), links.to("collect", here), icon="datasets")
        return parts.empty_state(t("none.match"), t("see.traces"), links.to("traces", here), icon="search")
    shown = [step for step in steps if step[1] or step[0] == KEPT]
    bars = Markup().join(_step(t, reason, count, counts[MATCHING]) for reason, count in shown)
    chips = Markup(" ").join(
        Markup('<span class="chip">{}</span>').format(_condition(t, key, values)) for key, values in filter.conditions
    )
    words = Markup(' <span class="chip">“{}”</span>').format(filter.query) if filter.query else ""
    asked = Markup('<p class="chips">{}{}</p>').format(chips, words)
    title = t("funnel", matching=counts[MATCHING], kept=counts[KEPT])
    see = parts.link(t("see.traces"), links.to("traces", here, q=filter.query, **_single(filter)), button=True)
    return parts.card(title, asked + bars + _remarks(t, facets, filter, here), actions=see)


def versions(t: Texts, found: Sequence["Dataset"], ref: str, here: "Studio | str") -> Markup:
    """Every version, the newest first."""
    if not found:
        return Markup()
    rows: list[list[parts.Cell]] = [
        [
            parts.link(_ref(one), links.to("datasets", here, dataset=_ref(one)), current=_ref(one) == ref),
            one.train_rows,
            one.test_rows,
            _terms(t, one),
            parts.copy(t, one.sha256, shown=one.sha256[:10]),
            figures.ago(t, one.created_at),
        ]
        for one in found
    ]
    selected = next((n for n, one in enumerate(found) if _ref(one) == ref), None)
    sizes = [parts.Column(t(side), number=True) for side in ("train", "test")]
    columns: list[parts.Column | str] = [t("dataset"), *sizes, t("terms"), t("sha256"), t("created")]
    return section(t("versions")) + parts.table(columns, rows, caption=t("versions"), selected=selected)


def detail(t: Texts, one: "Dataset", rows: list[dict[str, Any]], file: str, here: "Studio | str") -> Markup:
    """How a version was made, and its first rows."""
    facts = parts.facts(_facts(t, one, file))
    train = parts.link(t("train.with"), links.to("train", here, dataset=_ref(one)), button=True)
    close = parts.link(t("close"), links.to("datasets", here), button=True)
    shown = Markup().join(_row(t, row) for row in rows)
    preview = Markup('<p class="muted">{}</p>{}').format(t("preview.text"), shown)
    return Markup('<div class="datasets-one" id="datasets-one">{}{}</div>').format(
        parts.card(_ref(one), facts, actions=train + close), parts.card(t("preview"), preview)
    )


def _step(t: Texts, reason: str, count: int, whole: int) -> Markup:
    kind = "kept" if reason == KEPT else ("all" if reason == MATCHING else "out")
    sign = "−" if kind == "out" else ""
    return Markup(
        '<div class="funnel-step {}"><span>{}</span><b>{}{}</b><div class="bar"><i style="width:{}%"></i></div></div>'
    ).format(kind, t(f"reason.{reason}"), sign, figures.number(count), f"{100 * count / whole:.1f}")


def _remarks(t: Texts, facets: Facets, filter: TraceFilter, here: "Studio | str") -> Markup:
    lines = []
    for key, value in REMARKED:
        count = dict(facets.of(key)).get(value, 0)
        if not count or filter.values(key):
            continue
        query = {**_single(filter), key: value}
        see = parts.link(t("show"), links.to("traces", here, q=filter.query, **query))
        lines.append(Markup("<li>{} {}</li>").format(t(f"remark.{key}.{value}", n=count), see))
    return Markup('<ul class="remarks">{}</ul>').format(Markup().join(lines)) if lines else Markup()


def _single(filter: TraceFilter) -> dict[str, str]:
    return {key: values[0] for key, values in filter.conditions}


def _terms(t: Texts, one: "Dataset") -> Markup:
    """One badge for each of the terms inside, the strictest first."""
    inside = one.detail.get("terms", {})
    order = [terms for terms in ("no", "research", "unknown", "yes") if terms in inside]
    badges = Markup(" ").join(parts.state_badge(t, terms) for terms in order)
    return Markup('<span class="terms">{}</span>').format(badges)


def _facts(t: Texts, one: "Dataset", file: str) -> list[tuple[str, parts.Cell]]:
    made = one.detail
    teachers = Markup("<br>").join(
        Markup("{} · {} {}").format(name, figures.number(of["rows"]), parts.state_badge(t, of["terms"]))
        for name, of in made.get("teachers", {}).items()
    )
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


def _row(t: Texts, row: dict[str, Any]) -> Markup:
    """A conversation; what the student is not trained on is grey."""
    turns = Markup().join(
        Markup('<div class="turn {}"><b>{}</b>{}</div>').format(
            turn["role"] if turn["role"] in ("user", "assistant", "system") else "user",
            t(f"role.{turn['role']}") if t.has(f"role.{turn['role']}") else turn["role"],
            parts.markdown.plain(turn["content"][:SHOWN_TURN]),
        )
        for turn in row["messages"]
    )
    side = parts.badge("warn" if row["split"] == "test" else "quiet", t(row["split"]))
    head = Markup('<p class="marks">{} {}</p>').format(side, t("trace.number", id=str(row["trace_id"])))
    return Markup('<article class="dataset-row">{}{}</article>').format(head, turns)


def _ref(one: "Dataset") -> str:
    return f"{one.name}-v{one.version}"
