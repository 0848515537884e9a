"""What Teachers shows: the list, one teacher, and how its last test went. Pure: rows in, HTML out."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from markupsafe import Markup

from studio.engine.store.tables import Teacher
from studio.engine.teachers.local import kind_of
from studio.engine.teachers.wire.faults import FaultKind
from studio.engine.teachers.wire.keys import key_state
from studio.ui import links, parts
from studio.ui.parts import figures
from studio.ui.text import Texts

if TYPE_CHECKING:
    from studio.engine.studio import Studio

TABS = ("teachers", "try")
ONLY_RECORDED = FaultKind.NOT_RECORDED.value
KEY_BADGES = {"none": "quiet", "set": "good", "missing": "bad"}
HERE = ("localhost", "127.0.0.1", "::1", "0.0.0.0", "host.docker.internal")


def tab_of(name: str) -> str:
    """A known tab; the first one for anything else."""
    return name if name in TABS else TABS[0]


def tabs(t: Texts, here: "Studio | str", current: str) -> Markup:
    return parts.tabs(
        parts.Tab(t(f"tab.{name}"), links.to("teachers", here, tab=name if name != TABS[0] else ""), name == current)
        for name in TABS
    )


def teachers_list(t: Texts, here: "Studio | str", teachers: Sequence[Teacher], chosen: str) -> Markup:
    """All teachers in use, with what one needs to choose between them."""
    if not teachers:
        return parts.empty_state(t("empty"), icon="teachers")
    columns = [t("teacher"), t("model"), t("last.test"), t("price"), t("limits"), t("terms")]
    rows: list[list[parts.Cell]] = [
        [
            _two(
                parts.link(teacher.name, links.to("teachers", here, teacher=teacher.name)),
                t(f"kind.{place_of(teacher)}"),
            ),
            teacher.model,
            last_test(t, teacher),
            _two(price(t, teacher), batch_price(t, teacher)),
            limits(t, teacher),
            _two(parts.state_badge(t, teacher.terms), terms_source(t, teacher)),
        ]
        for teacher in teachers
    ]
    selected = next((place for place, teacher in enumerate(teachers) if teacher.name == chosen), None)
    return parts.table(columns, rows, caption=t("title"), selected=selected)


def archived_list(t: Texts, here: "Studio | str", teachers: Sequence[Teacher]) -> Markup:
    """Those that were put away, folded."""
    if not teachers:
        return Markup()
    names = Markup(", ").join(
        parts.link(teacher.name, links.to("teachers", here, teacher=teacher.name)) for teacher in teachers
    )
    return Markup('<details class="teachers-away"><summary>{}</summary><p>{}</p></details>').format(
        t("archived.n", n=len(teachers)), names
    )


def teacher_card(t: Texts, here: "Studio | str", teacher: Teacher) -> Markup:
    """One teacher in full."""
    asked = parts.link(t("try"), links.to("teachers", here, tab="try", teacher=teacher.name), button=True)
    collect = parts.link(t("collect"), links.to("collect", here, teacher=teacher.name), button=True, primary=True)
    items: list[tuple[str, parts.Cell]] = [
        (t("base.url"), parts.copy(t, teacher.base_url)),
        (t("model"), parts.copy(t, teacher.model)),
        (t("key"), key_view(t, teacher)),
        (t("price"), _joined(price(t, teacher), batch_price(t, teacher))),
        (t("limits"), limits(t, teacher)),
        (t("terms"), Markup("{} {}").format(parts.state_badge(t, teacher.terms), terms_source(t, teacher))),
    ]
    away = parts.note("warn", t("archived"), t("archived.text")) if teacher.archived_at else Markup()
    actions = Markup() if teacher.archived_at else Markup("{}{}").format(asked, collect)
    body = Markup('{}<div class="teacher-split">{}{}</div>').format(away, parts.facts(items), test_view(t, teacher))
    return parts.card(teacher.name, body, actions=actions)


def key_view(t: Texts, teacher: Teacher) -> Markup:
    """Where the key is and whether it is there. The key itself never leaves the engine."""
    state = key_state(teacher)
    mark = parts.badge(KEY_BADGES[state], t(f"key.{state}"))
    if not teacher.api_key_env:
        return mark
    masked = Markup(' <span class="muted" aria-hidden="true">••••••</span>') if state == "set" else Markup()
    return Markup("<code>{}</code>{} {}").format(teacher.api_key_env, masked, mark)


def test_view(t: Texts, teacher: Teacher) -> Markup:
    """The last test as two results: was it reached and the key accepted, did the model answer?"""
    test = teacher.last_test
    if not test:
        return parts.note("quiet", t("test.none"), t("test.none.text"))
    first, second = _reached(t, teacher, test), _answered(t, test)
    return Markup('<div class="test-steps"><p class="muted">{} {}</p>{}{}</div>').format(
        t("last.test"), figures.ago(t, test.get("at")), first, second
    )


def price(t: Texts, teacher: Teacher) -> str:
    """Input and output price per million tokens."""
    if teacher.input_price is None and teacher.output_price is None:
        return figures.UNKNOWN
    if teacher.input_price == 0 and teacher.output_price == 0:
        return t("price.free")
    return t("price.both", input=figures.money(teacher.input_price), output=figures.money(teacher.output_price))


def batch_price(t: Texts, teacher: Teacher) -> str:
    """What the Batch API takes off, where there is a price to take it off from."""
    if not (teacher.input_price or teacher.output_price) or teacher.batch_price_share >= 1:
        return ""
    return t("price.batch", share=figures.share(teacher.batch_price_share, 0))


def limits(t: Texts, teacher: Teacher) -> str:
    parts_: list[str] = [t("limit.at_once", count=teacher.concurrency)]
    if teacher.requests_per_minute:
        parts_.append(t("limit.rpm", count=teacher.requests_per_minute))
    if teacher.tokens_per_minute:
        parts_.append(t("limit.tpm", count=teacher.tokens_per_minute))
    parts_.append(t("limit.timeout", count=f"{teacher.timeout:g}"))
    return " · ".join(parts_)


def last_test(t: Texts, teacher: Teacher) -> Markup:
    test: dict[str, Any] | None = teacher.last_test
    if not test:
        return Markup('<span class="muted">{}</span>').format(t("test.never"))
    return _two(outcome(t, test), figures.ago(t, test.get("at")))


def outcome(t: Texts, test: dict[str, Any]) -> Markup:
    """Whether the model answered. A replay that lacks the test's own question is no failure."""
    if test.get("fault") == ONLY_RECORDED:
        return parts.badge("quiet", t("test.recorded"))
    return parts.badge("good", t("test.answered")) if test.get("answered") else parts.badge("bad", t("test.silent"))


def terms_source(t: Texts, teacher: Teacher) -> Markup:
    """Where the terms say so, and the day they were read. A link only where it leads to the web."""
    note: str | Markup = teacher.terms_note
    if teacher.terms_note.startswith(("https://", "http://")) and " " not in teacher.terms_note:
        note = Markup('<a href="{0}" target="_blank" rel="noopener noreferrer">{1}</a>').format(
            teacher.terms_note, urlsplit(teacher.terms_note).netloc or teacher.terms_note
        )
    day = t("terms.read", day=teacher.terms_checked_on) if teacher.terms_checked_on else ""
    return Markup(" · ").join(part for part in (note, day) if part)


def place_of(teacher: Teacher) -> str:
    """`api`, `local` for a server on this machine, `practice` or `replay`."""
    kind = kind_of(teacher)
    return "local" if kind == "api" and urlsplit(teacher.base_url).hostname in HERE else kind


def _reached(t: Texts, teacher: Teacher, test: dict[str, Any]) -> Markup:
    accepted = test.get("key_accepted")
    if not test.get("reachable"):
        return _step("bad", t("test.reached.no"), "")
    if accepted is False:
        return _step("bad", t("test.key.no"), str(test.get("error") or ""))
    if accepted is None:
        return _step("quiet", t("test.key.unknown"), "")
    return _step("good", t("test.key.yes") if teacher.api_key_env else t("test.reached.yes"), "")


def _answered(t: Texts, test: dict[str, Any]) -> Markup:
    if test.get("fault") == ONLY_RECORDED:
        return _step("quiet", t("test.recorded.why"), t("test.recorded.text"))
    if not test.get("answered"):
        why = "" if test.get("key_accepted") is False else str(test.get("error") or "")
        return _step("bad", t("test.silent"), why)
    took = t("test.took", seconds=figures.number(test.get("seconds"), 2), cost=figures.money(test.get("cost_usd")))
    answer = Markup('<div class="test-answer">{}</div><p class="muted">{}</p>').format(
        parts.markdown.plain(str(test.get("text") or "")), took
    )
    return _step("good", t("test.answered"), answer)


def _step(kind: str, title: str, text: str | Markup) -> Markup:
    body = text if isinstance(text, Markup) else Markup("<p>{}</p>").format(text) if text else ""
    return Markup('<div class="test-step">{}<div>{}</div></div>').format(parts.badge(kind, title), body)


def _two(first: parts.Cell, second: parts.Cell) -> Markup:
    """A value with a smaller one below it."""
    below = Markup("<small>{}</small>").format(second) if second else ""
    return Markup('<span class="two"><span>{}</span>{}</span>').format(first, below)


def _joined(*words: str) -> str:
    return " · ".join(word for word in words if word)
