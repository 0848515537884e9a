"""What Teachers shows: the list, one teacher, and how its last test went. Pure: rows in, HTML out."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from studio.engine.store.tables import Teacher
from studio.engine.teachers.faults import FaultKind
from studio.engine.teachers.keys import key_state
from studio.engine.teachers.local import kind_of
from studio.ui import links, parts
from studio.ui.parts import figures
from studio.ui.text import Texts

if TYPE_CHECKING:
    from studio.engine.studio import Studio

ONLY_RECORDED = FaultKind.NOT_RECORDED.value
KEY_BADGES = {"none": "quiet", "set": "good", "missing": "bad"}


def teachers_list(t: Texts, here: "Studio | str", teachers: Sequence[Teacher], chosen: str) -> Markup:
    """All teachers in use, with what one needs to choose between them."""
    if not teachers:
        return parts.empty_state(t("empty"), icon="teachers")
    columns: list[parts.Column | str] = [
        t("name"), parts.Column(t("model"), wide=True), t("kind"), t("terms"), t("price"), t("last.test"),
    ]  # fmt: skip
    rows: list[list[parts.Cell]] = [
        [
            parts.link(teacher.name, links.to("teachers", here, teacher=teacher.name)),
            teacher.model,
            t(f"kind.{kind_of(teacher)}"),
            parts.state_badge(t, teacher.terms),
            price(t, teacher),
            last_test(t, teacher),
        ]
        for teacher in teachers
    ]
    selected = next((place for place, teacher in enumerate(teachers) if teacher.name == chosen), None)
    return parts.table(columns, rows, caption=t("title"), selected=selected)


def teacher_card(t: Texts, here: "Studio | str", teacher: Teacher) -> Markup:
    """One teacher in full."""
    collect = parts.link(t("collect"), links.to("collect", here, teacher=teacher.name), button=True, primary=True)
    state = key_state(teacher)
    key = parts.badge(KEY_BADGES[state], t(f"key.{state}"))
    variable = Markup("<code>{}</code> {}").format(teacher.api_key_env, key) if teacher.api_key_env else key
    items: list[tuple[str, parts.Cell]] = [
        (t("base.url"), parts.copy(t, teacher.base_url)),
        (t("model"), parts.copy(t, teacher.model)),
        (t("key"), variable),
        (t("price"), price(t, teacher)),
        (t("limits"), limits(t, teacher)),
        (t("terms"), Markup("{} {}").format(parts.state_badge(t, teacher.terms), teacher.terms_note)),
    ]
    away = parts.note("warn", t("archived"), t("archived.text")) if teacher.archived_at else Markup()
    body = away + parts.facts(items) + test_view(t, teacher)
    return parts.card(teacher.name, body, actions=Markup() if teacher.archived_at else collect)


def test_view(t: Texts, teacher: Teacher) -> Markup:
    """The last test as two results: was the key accepted, did the model answer?"""
    test = teacher.last_test
    if not test:
        return parts.note("quiet", t("test.none"), t("test.none.text"))
    key = {True: ("good", "test.key.yes"), False: ("bad", "test.key.no"), None: ("quiet", "test.key.unknown")}
    kind, words = key[test.get("key_accepted")]
    answered = bool(test.get("answered"))
    head = Markup('<p class="test-line">{} {} <span class="muted">{}</span></p>').format(
        parts.badge(kind, t(words)), outcome(t, test), figures.ago(t, test.get("at"))
    )
    if test.get("fault") == ONLY_RECORDED:
        return head + parts.note("quiet", t("test.recorded.why"), t("test.recorded.text"))
    if not answered:
        return head + parts.note("bad", t("test.why"), str(test.get("error") or ""))
    took = t("test.took", seconds=figures.number(test.get("seconds"), 2), cost=figures.money(test.get("cost_usd")))
    return head + Markup('<div class="test-answer">{}<p class="muted">{}</p></div>').format(
        parts.markdown.plain(str(test.get("text") or "")), took
    )


def price(t: Texts, teacher: Teacher) -> str:
    """Input and output price per million tokens."""
    if teacher.input_price is None and teacher.output_price is None:
        return figures.UNKNOWN
    if not teacher.input_price and not teacher.output_price:
        return t("price.free")
    return f"{figures.money(teacher.input_price)} / {figures.money(teacher.output_price)}"


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
        return Markup(figures.UNKNOWN)
    ago = figures.ago(t, test.get("at"))
    return Markup("<span>{} <small class='muted'>{}</small></span>").format(outcome(t, test), ago)


def outcome(t: Texts, test: dict[str, Any]) -> Markup:
    """Whether the model answered. A replay that lacks the test's own question is no failure."""
    if test.get("fault") == ONLY_RECORDED:
        return parts.badge("quiet", t("test.recorded"))
    return parts.badge("good", t("test.answered")) if test.get("answered") else parts.badge("bad", t("test.silent"))
