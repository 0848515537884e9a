"""What Teachers shows: the list, one teacher, and how its last test went. Pure: rows in, HTML out."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from markupsafe import Markup

from studio.engine.domain.states import KeyState
from studio.engine.row_types import Teacher
from studio.engine.teachers import kind_of
from studio.engine.teachers.wire import FaultKind, key_state, last_of
from studio.ui import links, parts
from studio.ui.parts import figures
from studio.ui.rendering import render
from studio.ui.text import Texts

if TYPE_CHECKING:
    from studio.engine.studio import Studio

TABS = ("teachers", "try", "keys")
ONLY_RECORDED = FaultKind.NOT_RECORDED.value
KEY_BADGES = {KeyState.NONE: "quiet", KeyState.SET: "good", KeyState.MISSING: "bad"}
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
    return render("teachers/archived", t=t, here=here, teachers=teachers)


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
    actions = Markup() if teacher.archived_at else asked + collect
    body = render("teachers/card", t=t, teacher=teacher, facts=parts.facts(items), test=test_view(t, teacher))
    return parts.card(teacher.name, body, actions=actions)


def key_view(t: Texts, teacher: Teacher) -> Markup:
    """Where the key is and whether it is there. Of the key itself no more than its last characters leave the engine."""
    state = key_state(teacher.api_key_env)
    mark = parts.badge(KEY_BADGES[state], t(f"key.{state}"))
    if not teacher.api_key_env:
        return mark
    shown = last_of(teacher.api_key_env) if state == KeyState.SET else ""
    return render("teachers/key", source=teacher.api_key_env, is_set=state == KeyState.SET, last=shown, mark=mark)


def test_view(t: Texts, teacher: Teacher) -> Markup:
    """The last test as two results: was it reached and the key accepted, did the model answer?"""
    test = teacher.last_test
    if not test:
        return parts.note("quiet", t("test.none"), t("test.none.text"))
    outdated = parts.note("warn", t("test.outdated"), t("test.outdated.text")) if is_outdated(teacher) else Markup()
    return outdated + render(
        "teachers/test", t=t, test=test, reached=_reached(t, teacher, test), answered=_answered(t, test)
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
        return render("teachers/never_tested", t=t)
    seen = parts.badge("quiet", t("test.outdated")) if is_outdated(teacher) else outcome(t, test)
    return _two(seen, figures.ago(t, test.get("at")))


def is_outdated(teacher: Teacher) -> bool:
    """Whether the teacher's address, model or key is another since its last test."""
    tested = (teacher.last_test or {}).get("of") or {}
    return any(getattr(teacher, field) != value for field, value in tested.items())


def outcome(t: Texts, test: dict[str, Any]) -> Markup:
    """Whether the model answered. A replay that lacks the test's own question is no failure."""
    if test.get("fault") == ONLY_RECORDED:
        return parts.badge("quiet", t("test.recorded"))
    if is_unsent(test):
        return parts.badge("bad", t("test.unsent"))
    return parts.badge("good", t("test.answered")) if test.get("answered") else parts.badge("bad", t("test.silent"))


def is_unsent(test: dict[str, Any]) -> bool:
    """Whether the question could not even be sent, for want of a key or of money, say."""
    return not test.get("reachable") and "fault" in test and test["fault"] is None


def terms_source(t: Texts, teacher: Teacher) -> Markup:
    """Where the terms say so, and the day they were read. A link only where it leads to the web."""
    note = teacher.terms_note
    is_link = note.startswith(("https://", "http://")) and " " not in note
    day = t("terms.read", day=teacher.terms_checked_on) if teacher.terms_checked_on else ""
    return render(
        "teachers/terms_source",
        note=note if is_link else t.told(note),
        host=is_link and (urlsplit(note).netloc or note),
        day=day,
    )


def place_of(teacher: Teacher) -> str:
    """`api`, `local` for a server on this machine, `practice` or `replay`."""
    kind = kind_of(teacher)
    return "local" if kind == "api" and urlsplit(teacher.base_url).hostname in HERE else kind


def _reached(t: Texts, teacher: Teacher, test: dict[str, Any]) -> Markup:
    accepted = test.get("key_accepted")
    if is_unsent(test):
        return _step("bad", t("test.unsent"), t.told(test.get("error")))
    if not test.get("reachable"):
        return _step("bad", t("test.reached.no"), "")
    if accepted is False:
        return _step("bad", t("test.key.no"), t.told(test.get("error")))
    if accepted is None:
        return _step("quiet", t("test.key.unknown"), "")
    return _step("good", t("test.key.yes") if teacher.api_key_env else t("test.reached.yes"), "")


def _answered(t: Texts, test: dict[str, Any]) -> Markup:
    if is_unsent(test):
        return Markup()
    if test.get("fault") == ONLY_RECORDED:
        return _step("quiet", t("test.recorded.why"), t("test.recorded.text"))
    if not test.get("answered"):
        why = "" if test.get("key_accepted") is False else t.told(test.get("error"))
        return _step("bad", t("test.silent"), why)
    took = t("test.took", seconds=figures.number(test.get("seconds"), 2), cost=figures.money(test.get("cost_usd")))
    answer = render("teachers/test_answer", text=str(test.get("text") or ""), took=took)
    return _step("good", t("test.answered"), body=answer)


def _step(kind: str, title: str, text: str = "", *, body: Markup | None = None) -> Markup:
    return render("teachers/step", kind=kind, title=title, text=text, body=body or "")


def _two(first: parts.Cell, second: parts.Cell) -> Markup:
    """A value with a smaller one below it."""
    return render("teachers/two", first=first, second=second)


def _joined(*words: str) -> str:
    return " · ".join(word for word in words if word)
