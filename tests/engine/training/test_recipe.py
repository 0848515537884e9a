"""Recipes: what is inherited, what is filled in, and the sentence for every fault."""

from pathlib import Path
from typing import Any

import pytest

from studio.engine.errors import BadInput
from studio.engine.training.recipe import Recipe, read_recipe

CONTRACT = """
base: practice-base
seed: 7
stages:
  - name: plain
    dataset: plain-v1
    method: full
    epochs: 2
    learning_rate: 1.0e-3
    max_length: 512
    packing: true
  - name: thorough
    dataset: thorough-v1
"""


def recipe_of(*stages: dict[str, Any], **keys: Any) -> Recipe:
    return read_recipe({"base": "practice-base", "stages": list(stages)} | keys)


def test_the_contracts_recipe_is_read_and_its_second_stage_inherits(tmp_path: Path) -> None:
    (tmp_path / "recipe.yaml").write_text(CONTRACT)
    recipe = read_recipe(tmp_path / "recipe.yaml")
    first, second = recipe.stages
    assert (recipe.base, recipe.seed, first.name, first.epochs) == ("practice-base", 7, "plain", 2)
    assert second.model_dump(exclude={"name", "dataset"}) == first.model_dump(exclude={"name", "dataset"})
    assert (second.name, second.dataset) == ("thorough", "thorough-v1")


def test_a_length_of_another_kind_replaces_the_inherited_one() -> None:
    _, second, third = recipe_of({"dataset": "a", "epochs": 2}, {"tokens": 500}, {"steps": None}).stages
    assert (second.epochs, second.tokens, third.tokens) == (None, 500, 500)


def test_a_batch_in_tokens_replaces_the_inherited_one() -> None:
    _, second = recipe_of({"dataset": "a", "batch_size": 4}, {"batch_tokens": 900}).stages
    assert (second.batch_size, second.batch_tokens) == (None, 900)


def test_another_method_brings_its_own_learning_rate() -> None:
    first, second = recipe_of({"dataset": "a", "learning_rate": 0.01}, {"method": "lora"}).stages
    assert (first.learning_rate, second.learning_rate) == (0.01, 2e-4)


def test_lora_settings_are_inherited_one_by_one() -> None:
    first, second = recipe_of({"dataset": "a", "method": "lora", "lora": {"rank": 4}}, {"lora": {"alpha": 9}}).stages
    assert (first.lora.rank, second.lora.rank, second.lora.alpha) == (4, 4, 9)


def test_a_number_that_yaml_reads_as_text_is_still_a_number(tmp_path: Path) -> None:
    (tmp_path / "r.yaml").write_text("base: b\nstages:\n  - {dataset: d, learning_rate: 1e-3}\n")
    assert read_recipe(tmp_path / "r.yaml").stages[0].learning_rate == 0.001


def test_what_was_written_can_be_written_again() -> None:
    recipe = recipe_of({"dataset": "a", "epochs": 1}, seed=4)
    assert recipe.yaml() == "base: practice-base\nseed: 4\nstages:\n- dataset: a\n  epochs: 1\n"


@pytest.mark.parametrize(
    ("stage", "words"),
    [
        ({"dataset": "a", "learning_rat": 1}, "unknown key 'learning_rat'. Did you mean 'learning_rate'?"),
        ({"dataset": "a", "zzz": 1}, "unknown key 'zzz'. Known keys: name, dataset"),
        ({"epochs": 1}, "names no dataset"),
        ({"dataset": "a", "method": "qlora"}, "the method qlora, which this version cannot do yet"),
        ({"dataset": "a", "method": "dpo"}, "the method dpo, which this version cannot do yet"),
        ({"dataset": "a", "method": "magic"}, "method: must be 'full' or 'lora' (it is 'magic')"),
        ({"dataset": "a", "epochs": 1, "steps": 3}, "exactly one of steps, epochs and tokens"),
        ({"dataset": "a", "batch_size": 1, "batch_tokens": 3}, "both batch_size and batch_tokens"),
        ({"dataset": "a", "learning_rate": -1}, "learning_rate must be a number above 0 and at most 1 (it is -1)"),
        (
            {"dataset": "a", "learning_rate": "fast"},
            "learning_rate must be a number above 0 and at most 1 (it is 'fast')",
        ),
        ({"dataset": "a", "lora": {"rang": 3}}, "lora, has the unknown key 'rang'. Did you mean 'rank'?"),
        ({"dataset": "a", "lora": {"targets": []}}, "must name at least one layer"),
    ],
)
def test_a_fault_in_a_stage_is_named_with_its_stage(stage: dict[str, Any], words: str) -> None:
    with pytest.raises(BadInput) as caught:
        recipe_of(stage)
    assert "stage 1," in caught.value.message
    assert words in caught.value.message


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ([1], "not a list of keys and values"),
        ({"stages": [{"dataset": "a"}]}, "names no base"),
        ({"base": "b"}, "has no stages"),
        ({"base": "b", "stages": []}, "has no stages"),
        ({"base": "b", "stages": ["a"]}, "stage 1, is not a list of keys"),
        ({"base": "b", "sed": 1, "stages": [{"dataset": "a"}]}, "unknown key 'sed'. Did you mean 'seed'?"),
        ({"base": "b", "seed": "x", "stages": [{"dataset": "a"}]}, "seed must be a whole number"),
        ({"base": "b", "threads": 0, "stages": [{"dataset": "a"}]}, "threads must be a whole number from 1"),
        ({"base": "b", "stages": [{"dataset": "a", "name": "x"}, {"name": "x"}]}, "two stages named 'x'"),
    ],
)
def test_a_fault_in_the_recipe_is_one_clear_sentence(document: Any, words: str) -> None:
    with pytest.raises(BadInput, match="recipe") as caught:
        read_recipe(document) if isinstance(document, dict) else _parsed(document)
    assert words in caught.value.message


def test_text_that_is_not_yaml_is_refused_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "r.yaml").write_text("base: b\nstages: [\n")
    with pytest.raises(BadInput, match=r"r\.yaml is not YAML \(line 3"):
        read_recipe(tmp_path / "r.yaml")


def test_a_missing_or_unreadable_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no recipe file"):
        read_recipe(tmp_path / "none.yaml")
    (tmp_path / "r.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(BadInput, match="cannot be read"):
        read_recipe(tmp_path / "r.yaml")


def _parsed(document: Any) -> Recipe:
    from studio.engine.training.recipe import parse_recipe

    return parse_recipe(document, "The recipe")
