"""Settings show what is in a backup before it is restored, what becomes of what is there, and who may not."""

import time
from typing import Any

from studio.engine.backup import Holding, KeptBackup, Prepared, ProjectHolding, Replaced
from studio.engine.domain.permissions import PersonKind
from studio.ui.pages.settings_restore import choices_of, refusal, restore_view
from studio.ui.text import Texts

PROJECTS = [ProjectHolding("<b>first</b>", 12_345, 2, 3, 4, 5), ProjectHolding("second")]
HOLDING = Holding(time.time() - 7_200, "0.9<i>", 17, 2_000_000, True, PROJECTS)


def test_what_is_in_a_backup_is_shown_in_both_languages() -> None:
    for language in ("en", "zh"):
        t = Texts(language, "settings")
        drawn = restore_view(t, Prepared("mine.tar.gz", 1.0, HOLDING), None)
        assert all(word in drawn for word in ("mine.tar.gz", "12,345", "second", "2.0 MB", t("restore.without")))
        assert "<b>first" not in drawn and "0.9<i>" not in drawn
        assert t("restore.confirmed", name="mine.tar.gz") not in drawn


def test_what_was_decided_and_why_it_waits_are_said() -> None:
    t = Texts("zh", "settings")
    why = "Another process has this workspace open. End it, then start the app again."
    drawn = restore_view(t, Prepared("mine.tar.gz", 1.0, HOLDING, 2.0, why), None)
    assert t("restore.confirmed", name="mine.tar.gz") in drawn and "另有进程打开着此工作区" in drawn


def test_where_the_one_before_is_kept_is_said() -> None:
    t = Texts("en", "settings")
    drawn = restore_view(t, None, Replaced("mine.tar.gz", 1.0, 2.0, "/somewhere/<w>"))
    assert "kept in /somewhere/&lt;w&gt;" in drawn and t("restore.text") in drawn


def test_backups_are_told_apart_by_size_and_time(tmp_path: Any) -> None:
    ((label, name),) = choices_of(Texts("en", "settings"), [KeptBackup(tmp_path / "a.tgz", 5_000, 0.0)])
    assert name == "a.tgz" and "5.0 KB" in label and "19" in label.partition(",")[2]


def test_a_colleague_is_told_who_restores(studio: Any) -> None:
    t = Texts("en", "settings")
    assert refusal(t, studio) is None
    studio.people.add("Ann", PersonKind.LOCAL)
    colleague = studio.acting_for(studio.people.named_or_new("Ann"))
    assert t("restore.owner.only") in (refusal(t, colleague) or "")


def test_a_workspace_on_a_server_says_that_it_cannot_be_replaced(studio: Any, monkeypatch: Any) -> None:
    elsewhere = studio.settings.model_copy(update={"database_url": "postgresql://x/y"})
    monkeypatch.setattr(studio.restores, "_settings", elsewhere)
    drawn = refusal(Texts("zh", "settings"), studio) or ""
    assert "备份无法取代此工作区" in drawn and "UNDERSTUDY_DATABASE_URL" in drawn
