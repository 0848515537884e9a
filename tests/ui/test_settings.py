"""Settings show what is kept where, and a bug report that gives nothing away."""

from pathlib import Path
from typing import Any

from studio.engine.domain.purposes import Purpose
from studio.engine.settings import Settings
from studio.engine.store.storage import space
from studio.engine.teachers.runs.project_budget import ProjectMoney
from studio.engine.teachers.spending import Spent
from studio.ui.pages.settings import body_view, checks_view, diagnostics, money_view
from studio.ui.pages.settings_people import link_view, people_view
from studio.ui.text import Texts


def test_room_is_counted_item_by_item(tmp_path: Path) -> None:
    settings = Settings(workspace=tmp_path / "w").prepare()
    (settings.artifacts / "ab").mkdir()
    (settings.artifacts / "ab" / "x.jsonl").write_bytes(b"x" * 700)
    (settings.logs / "1.log").write_bytes(b"x" * 30)
    (settings.workspace / "understudy.db").write_bytes(b"x" * 5)
    (settings.workspace / "token").write_bytes(b"x" * 2)
    (settings.logs / "link").symlink_to(settings.artifacts / "ab" / "x.jsonl")
    used = space(settings)
    assert used.items == {"database": 5, "artifacts": 700, "models": 0, "logs": 30, "uploads": 0, "other": 2}
    assert used.total == 737 and used.free > 0


def test_a_bug_report_holds_no_address_key_or_name(tmp_path: Path) -> None:
    settings = Settings(workspace=tmp_path / "anna" / "w", database_url="postgresql+psycopg://anna:secret@db.example/x")
    settings.prepare()
    text = diagnostics(settings, space(settings))
    assert "gradio 6" in text and "database postgresql+psycopg" in text
    assert not any(word in text for word in ("secret", "anna", "db.example", str(tmp_path)))


def test_the_cards_are_drawn_in_both_languages(studio: Any) -> None:
    for language in ("en", "zh"):
        t = Texts(language, "settings")
        drawn = body_view(t, studio.settings, space(studio.settings), studio)
        assert t("storage") in drawn and str(studio.settings.workspace) in drawn
        assert 'aria-current="page">' + {"en": "English", "zh": "中文"}[language] in drawn


def test_a_missing_part_is_told_apart_by_a_word() -> None:
    drawn = checks_view(
        Texts("en", "settings"), [("gpu", None, "none"), ("disk", False, "<b>full</b>"), ("python", True, "3")]
    )
    assert all(word in drawn for word in ("optional", "missing", "there")) and "<b>full" not in drawn


def test_every_kind_of_spending_has_its_words_and_an_empty_budget_is_said() -> None:
    kinds = dict.fromkeys(("collect", "import", "asking", *Purpose), 0.5)
    for language in ("en", "zh"):
        t = Texts(language, "settings")
        drawn = money_view(t, Spent(ProjectMoney(10, 4, 2), kinds))
        assert all(t(f"spent.{kind}") in drawn for kind in kinds)
        assert all(f"{word}" in drawn for word in ("$10.00", "$4.00", "$2.00", t("budget.left")))
        assert t("budget.used.up") not in drawn and t("budget.none") not in drawn
        assert t("budget.used.up") in money_view(t, Spent(ProjectMoney(10, 10, 0), {}))
        assert t("budget.none") in money_view(t, Spent(ProjectMoney(None, 4, 0), {}))


def test_people_are_listed_with_what_they_are_and_no_secret(studio: Any) -> None:
    studio.people.owner()
    secret = studio.people.open_link(studio.people.add("Anna <b>").name)
    for language in ("en", "zh"):
        t = Texts(language, "settings")
        drawn = people_view(t, studio.people.list(), True)
        assert "Anna &lt;b&gt;" in drawn and t("people.kind.local") in drawn and t("people.link.open") in drawn
        assert secret not in drawn and studio.people.list()[1].key not in drawn
        assert secret in link_view(t, "Anna", f"http://127.0.0.1:7860/?token={secret}")


def test_who_works_alone_is_told_what_to_do_and_a_colleague_whom_to_ask(studio: Any) -> None:
    studio.people.owner()
    t = Texts("en", "settings")
    assert "Add a colleague below" in people_view(t, studio.people.list(), True)
    assert "Only the owner" in people_view(t, studio.people.list(), False)
