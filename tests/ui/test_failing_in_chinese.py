"""What fails on a Chinese page is told in Chinese, with the values of the engine's sentence in it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from studio.engine.errors import StudioError
from studio.ui.text import Texts
from tests.browser.chinese import ENGLISH

FAILING: dict[str, Callable[[Any, Path], Any]] = {
    "no such teacher": lambda here, _: here.teachers.get("nobody"),
    "no such run": lambda here, _: here.collecting.start("nothing"),
    "a name that is taken": lambda here, _: [here.teachers.add("x", "https://a.example/v1", "m") for _ in range(2)],
    "an address that is none": lambda here, _: here.teachers.add("y", "nowhere", "m"),
    "a key in place of its name": lambda here, _: here.teachers.add(
        "y", "https://a.example/v1", "m", api_key_env="sk-1234567890abcdef"
    ),
    "a limit below zero": lambda here, _: here.teachers.add("y", "https://a.example/v1", "m", rpm=-1),
    "a file that is not there": lambda here, folder: here.prompts.preview(folder / "none.jsonl"),
    "a file without prompts": lambda here, folder: here.prompts.import_file(folder / "odd.jsonl", "odd"),
    "a spreadsheet": lambda here, folder: here.prompts.preview(folder / "book.xlsx"),
    "an unknown family": lambda here, _: here.prompts.practice(["poetry"], 3, 1, "p"),
    "no such trace": lambda here, _: here.traces.get(99),
    "a label of no such trace": lambda here, _: here.traces.label([99], "keep"),
    "a rating out of reach": lambda here, _: here.traces.rate([1], 9),
    "nothing to freeze": lambda here, _: here.datasets.freeze("d"),
    "no such dataset": lambda here, _: here.datasets.get("d-v3"),
    "no such model": lambda here, _: here.inference.open("nobody").__enter__(),
    "a model that is nowhere": lambda here, folder: here.models.import_model(str(folder / "none"), "m"),
    "a recipe without a dataset": lambda here, _: here.training.read_recipe({"base": "practice-base", "stages": [{}]}),
    "a recipe with an unknown key": lambda here, _: here.training.read_recipe({"bass": "x"}),
    "an unknown quantization": lambda here, _: here.exporting.start("practice-base", ["Q9_9"]),
    "no such study": lambda here, _: here.studies.get("s"),
    "the same side twice": lambda here, _: here.studies.start("s", "practice-base", "practice-base", "p"),
    "no such job": lambda here, _: here.jobs.get(99),
    "somebody twice": lambda here, _: [here.people.add("Li") for _ in range(2)],
    "no such project": lambda here, _: here.find("elsewhere"),
    "a budget below zero": lambda here, _: here.spending.set_budget(-3.0),
    "a seed below zero": lambda here, _: here.prompts.practice(["addition"], 3, -1, "p"),
    "a share above one": lambda here, _: here.teachers.add("y", "https://a.example/v1", "m", batch_price_share=2.0),
    "a name that is too long": lambda here, _: here.teachers.add("y" * 90, "https://a.example/v1", "m"),
    "a recipe's seed below zero": lambda here, _: here.training.read_recipe(
        {"base": "practice-base", "seed": -1, "stages": [{"dataset": "d", "steps": 1}]}
    ),
    "no such thing to delete": lambda here, _: here.bin.look("prompts", "none"),
    "nothing of it in the bin": lambda here, _: here.bin.restore("run", "none"),
    "deleting what comes with the studio": lambda here, _: here.bin.delete("model", "practice-base"),
    "renaming one version": lambda here, _: here.bin.rename("dataset", "d-v1", "e"),
    "deleting what a job needs": lambda here, _: [_asked(here), here.bin.delete("prompts", "asked")],
    "a backup that is no archive": lambda here, folder: here.backups.run_here(folder / "backup.zip"),
}


def _asked(here: Any) -> None:
    """A run that waits for a worker, over prompts of its own."""
    here.teachers.add_practice()
    here.prompts.practice(["addition"], 2, 1, "asked")
    here.collecting.create("practice-plain", "asked", name="asking")
    here.collecting.start("asking")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "odd.jsonl").write_text('{"a": 1}\n{"a": 2}\n', encoding="utf-8")
    (tmp_path / "book.xlsx").write_bytes(b"PK\x03\x04" + bytes(100))
    return tmp_path


def test_what_fails_on_a_chinese_page_is_told_in_chinese(studio: Any, folder: Path) -> None:
    english = {}
    for action, fail in FAILING.items():
        with pytest.raises(StudioError) as raised:
            fail(studio, folder)
        told = Texts("zh").told(raised.value.message).replace(str(folder), "")
        if ENGLISH.search(told) or "意外" in told:
            english[action] = told
    assert not english
