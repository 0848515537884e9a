"""Real problems and a real teacher's recorded answers through the whole loop, by command line: GSM8K and GPT-3 175B."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.data, pytest.mark.timeout(600)]

RECIPE = """
base: practice-base
seed: 3
stages:
  - name: gsm8k
    dataset: gsm8k-right
    method: full
    steps: 12
    batch_size: 4
    learning_rate: 1.0e-3
    max_length: 512
    packing: true
"""


@pytest.fixture
def replay(data: Path) -> Iterator[str]:
    """The base URL of a replay teacher over the recorded 175B answers."""
    recorded = data / "gsm8k" / "example_model_solutions.jsonl"
    command = [sys.executable, "-m", "studio", "teachers", "serve-replay", str(recorded), "--port", "0",
               "--map", "prompt=question,response=175b_verification.solution"]  # fmt: skip
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield process.stdout.readline().split()[-1].strip()
    finally:
        process.terminate()
        process.wait(10)
        process.stdout.close()


def test_gsm8k_goes_through_the_whole_loop(
    data: Path, replay: str, run_cli: Callable[..., Any], tmp_path: Path
) -> None:
    def report(*arguments: object) -> dict[str, Any]:
        result = run_cli(*arguments, "--json")
        assert result.code == 0, result.err
        return result.json

    problems = data / "gsm8k" / "test.jsonl"
    imported = report("prompts", "import", problems, "--name", "gsm8k", "--map", "prompt=question,answer=answer")
    assert (imported["imported"], imported["skipped"]) == (1319, 0)

    report("teachers", "add", "gpt3-175b", "--base-url", replay, "--model", "175b-verification", "--terms", "research")
    collected = report("collect", "--teacher", "gpt3-175b", "--prompts", "gsm8k", "--name", "recorded")
    assert (collected["requested"], collected["completed"], collected["failed"]) == (1319, 1319, 0)

    graded = report("traces", "grade", "--run", "recorded")
    assert (graded["graded"], graded["correct"], graded["wrong"]) == (1319, 742, 577)

    frozen = report("datasets", "freeze", "gsm8k-right", "--run", "recorded", "--filter", "correct=true")
    assert frozen["rows"] == {"train": 742, "test": 0}

    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(RECIPE)
    trained = report("train", recipe, "--name", "gsm8k-student")
    (stage,) = trained["stages"]
    assert stage["steps"] == 12
    assert stage["tokens"] > 10_000

    out = tmp_path / "student.gguf"
    exported = report("models", "export", "gsm8k-student", "--quantization", "Q8_0", "--out", out)
    assert out.stat().st_size == exported["bytes"]
    assert "Q8_0" in exported["tensor_types"]

    study = report("studies", "create", "blind", "--first", "gsm8k-student", "--second", "gpt3-175b",
                   "--prompts", "gsm8k", "--items", "20", "--seed", "5")  # fmt: skip
    assert study["items"] == 20
    results = report("studies", "results", "blind", "--first", "gsm8k-student")
    assert (results["wins"], results["losses"], results["win_rate"]) == (0, 0, None)

    shown = report("models", "show", "gsm8k-student")
    assert "research" in str(shown), "the teacher's terms reach the model"
