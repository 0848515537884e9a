"""Settings show what is kept where, and a bug report that gives nothing away."""

from pathlib import Path
from typing import Any

from studio.engine.settings import Settings
from studio.engine.store.storage import space
from studio.ui.pages.settings import body_view, checks_view, diagnostics
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
