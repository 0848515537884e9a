"""Training on a real GPU, when there is one: the same recipe, the same kind of student."""

import json
from pathlib import Path

import pytest

from studio.engine.practice.voices import answer
from studio.engine.practice.world import ask
from studio.engine.settings import Settings
from studio.engine.training.recipe import read_recipe
from studio.engine.training.spec import StageSpec, TrainSpec


@pytest.fixture(autouse=True)
def _a_gpu() -> None:
    import torch

    if not torch.cuda.is_available():
        pytest.skip("this machine has no GPU that torch can use (torch.cuda.is_available() is False)")


@pytest.mark.parametrize(("method", "rate"), [("full", 1e-3), ("lora", 1e-2)])
def test_the_practice_base_learns_on_the_gpu(method: str, rate: float, tmp_path: Path) -> None:
    import torch
    from transformers import AutoModelForCausalLM

    from studio.engine.training.launch import train_stages

    base, file = Settings().assets / "practice-base", tmp_path / "dataset.jsonl"
    rows = [
        {
            "messages": [
                {"role": "user", "content": problem.prompt},
                {"role": "assistant", "content": answer("practice-plain", "think step by step", problem.prompt)},
            ],
            "split": "test" if number >= 180 else "train",
        }
        for number, problem in enumerate(ask(("addition", "sorting"), 200, 5))
    ]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    stage = {"dataset": "d-v1", "steps": 40, "learning_rate": rate, "method": method, "evaluations": 4}
    recipe = read_recipe({"base": str(base), "seed": 3, "stages": [stage]})
    torch.cuda.reset_peak_memory_stats()
    spec = TrainSpec(str(base), (StageSpec(recipe.stages[0], file),), recipe.seed)
    result = train_stages(spec, tmp_path / "work", tmp_path / "student")
    assert torch.cuda.max_memory_allocated() > 0
    assert result.stages[0].eval_loss is not None
    assert result.stages[0].eval_loss < 1.0
    model = AutoModelForCausalLM.from_pretrained(result.path)
    assert all(bool(weight.isfinite().all()) for weight in model.parameters())
