"""`understudy train`: exit codes, one JSON object, and faults that change nothing."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from training_rooms import Room, conversations, lines_of, with_huge_weights

RECIPE = "base: {base}\nseed: 3\nthreads: 1\nstages:\n  - {{dataset: traces, steps: 3, learning_rate: 1.0e-3{more}}}\n"


@pytest.fixture
def recipe(room: Room, tmp_path: Path) -> Callable[..., Path]:
    room.freeze("traces", lines_of(conversations(24, 5), tests=4))

    def write(base: object = room.base, more: str = "") -> Path:
        file = tmp_path / "recipe.yaml"
        file.write_text(RECIPE.format(base=base, more=more))
        return file

    return write


def test_train_prints_the_contracts_keys(run_cli: Callable[..., Any], recipe: Callable[..., Path], room: Room) -> None:
    result = run_cli("train", recipe(), "--name", "pupil", "--json")
    assert result.code == 0, result.err
    assert list(result.json) == ["model", "stages", "path"]
    assert list(result.json["stages"][0]) == [
        "name", "dataset", "steps", "seconds", "tokens", "train_loss", "eval_loss", "tokens_per_second",
        "packing_efficiency", "rows",
    ]  # fmt: skip
    assert "stage-1" in result.err
    again = run_cli("train", "--resume", "pupil", "--json")
    assert (again.code, again.json) == (0, result.json)
    taken = run_cli("train", recipe(), "--name", "pupil", "--json")
    assert (taken.code, taken.out) == (2, "")
    assert "already a model named 'pupil'" in taken.err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "Name either a recipe file, or a student with --resume"),
        (["--resume", "nobody"], "no model named 'nobody'"),
        (["none.yaml"], "no recipe file"),
        (["none.yaml", "--resume", "x"], "Name either"),
        (["--resume", "x", "--name", "y"], "keeps its name"),
        (["--resume", "practice-base"], "practice-base"),
    ],
)
def test_bad_usage_is_one_line_and_exit_2(
    run_cli: Callable[..., Any], room: Room, arguments: list[str], words: str
) -> None:
    result = run_cli("train", *arguments, "--json")
    assert (result.code, result.out) == (2, "")
    assert words in result.err
    assert result.err.count("\n") == 1


@pytest.mark.parametrize(
    ("base", "more", "words"),
    [
        (None, ", max_length: 8", "fits into max_length 8"),
        (None, ", learning_rat: 1", "Did you mean 'learning_rate'?"),
        ("nobody", "", "no model named 'nobody'"),
        (None, ", dataset: nothing", "no dataset named 'nothing'"),
    ],
)
def test_a_bad_recipe_is_one_sentence_and_leaves_no_student(
    run_cli: Callable[..., Any], recipe: Callable[..., Path], room: Room, base: str | None, more: str, words: str
) -> None:
    result = run_cli("train", recipe(*([base] if base else []), more=more), "--name", "pupil", "--json")
    assert (result.code, result.out) == (2, "")
    assert words in result.err.splitlines()[-1]
    assert [model.name for model in room.models.list() if model.kind == "student"] == []


def test_a_training_that_fails_reports_with_its_error_and_exit_1(
    run_cli: Callable[..., Any], recipe: Callable[..., Path], room: Room, tmp_path: Path
) -> None:
    result = run_cli("train", recipe(with_huge_weights(room.base, tmp_path / "huge")), "--name", "pupil", "--json")
    assert result.code == 1
    assert (result.json["model"], result.json["stages"][0]["dataset"]) == ("pupil", "traces-v1")
    assert "so training stopped" in result.json["error"]
    assert result.json["error"] in result.err
