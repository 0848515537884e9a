"""What work says of itself is a sentence in a terminal, and a code with values that pages put into their own words."""

import json
import string

import pytest

from studio.engine.domain.status import WORDS, Status, kept_status, status
from studio.engine.store.tables import Job
from studio.engine.studio import Studio
from studio.ui.text import LANGUAGES, Texts, catalogue

OF_A_PAGE = {
    "row_with_batch": "tick “These are answers”, then choose its input file too",
    "waits_for_worker": "waits for a worker; none runs at the moment, and it begins as soon as one does",
}
"""What a page says in words of its own, where the terminal's name an option or a command."""


def test_a_status_is_its_english_sentence() -> None:
    said = status("in_stage", stage="plain", what=status("training", loss="0.412", speed=1200))
    assert said == "plain: loss 0.412, 1,200 tokens/s"
    assert json.loads(json.dumps(said.as_dict()))["values"]["what"]["code"] == "training"


def test_a_message_of_words_alone_keeps_no_code() -> None:
    assert kept_status("whatever an entry says") is None and kept_status(status("converted")) is not None


def test_pages_say_it_in_their_own_language() -> None:
    said = status("in_stage", stage="plain", what=status("training", loss="0.412", speed=1200))
    job = Job(kind="train", title="t", message=str(said), status=said.as_dict())
    assert Texts("zh", "jobs").said_by(job) == "plain：损失 0.412，每秒 1,200 个词元"
    unknown = Job(kind="train", title="Old", message="of another version", status={"code": "new", "values": {}})
    assert Texts("zh", "jobs").said_by(unknown) == "of another version" and Texts("zh").title_of(unknown) == "Old"


def test_every_code_has_the_same_values_in_every_language(studio: Studio) -> None:
    words = catalogue(studio.settings.assets / "translations", "status")
    assert set(words) == set(WORDS)
    for code, english in WORDS.items():
        assert words[code]["en"] == OF_A_PAGE.get(code, english)
        for language in LANGUAGES:
            assert _names(words[code][language]) == _names(english), (code, language)


def test_no_status_names_a_command_on_a_page(studio: Studio) -> None:
    words = catalogue(studio.settings.assets / "translations", "status")
    said = [str(entry[language]) for entry in words.values() for language in LANGUAGES]
    assert [text for text in said if "understudy " in text] == []


def test_a_code_without_its_words_or_values_is_a_fault() -> None:
    for code, values in (("nothing like it", {}), ("checked", {})):
        with pytest.raises(KeyError):
            status(code, **values)


def test_a_job_keeps_both(studio: Studio) -> None:
    from studio.engine.jobs import Kind

    job = studio.jobs.enqueue(Kind("collect"), status("title_collect", name="r1"), {})
    kept = studio.jobs.get(job.id or 0)
    assert kept.title == "Collect r1" and type(kept.title) is str and not isinstance(kept.title, Status)
    assert Texts("zh").title_of(kept) == "收集 r1"


def _names(words: str) -> set[str | None]:
    return {name for _, name, _, _ in string.Formatter().parse(words) if name}
