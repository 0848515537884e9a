"""The quick demo, run as a user runs it: every part of the loop, and figures that can be believed."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from studio.engine.practice.families import DEMO_FAMILIES

SEED = 11


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("demo") / "workspace"


@pytest.fixture(scope="module")
def report(workspace: Path) -> dict[str, Any]:
    command = [
        sys.executable,
        "-m",
        "studio",
        "--workspace",
        str(workspace),
        "demo",
        "--quick",
        "--seed",
        str(SEED),
        "--json",
    ]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "HF_HUB_OFFLINE": "1"})
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


pytestmark = pytest.mark.timeout(600)


def test_demo_prints_exactly_one_object_with_the_promised_keys(report: dict[str, Any]) -> None:
    assert {"seconds", "families", "student_system_message", "teacher_exact_match", "base_exact_match", "students",
            "gguf", "study"} <= report.keys()  # fmt: skip
    assert report["families"] == list(DEMO_FAMILIES)
    for row in report["students"]:
        assert {"name", "variant", "traces", "exact_match", "by_family", "style_similarity", "train_tokens",
                "train_seconds", "model"} <= row.keys()  # fmt: skip
        assert set(row["by_family"]) == set(DEMO_FAMILIES)


def test_the_teacher_is_always_right_and_the_base_hardly_ever(report: dict[str, Any]) -> None:
    assert report["teacher_exact_match"] == 1.0
    assert report["base_exact_match"] < 0.2


def test_explanations_teach_what_bare_answers_do_not(report: dict[str, Any]) -> None:
    students = {row["variant"]: row for row in report["students"]}
    assert list(students) == ["bare-answers", "explanations", "explanations-two-stage"]
    bare, explained = students["bare-answers"], students["explanations"]
    assert explained["exact_match"] > bare["exact_match"] + 0.3
    assert explained["style_similarity"] > bare["style_similarity"]
    assert explained["traces"] == bare["traces"]
    assert abs(explained["train_tokens"] - bare["train_tokens"]) < 0.05 * explained["train_tokens"]


def test_quantized_files_are_there_and_answer_like_the_original(report: dict[str, Any]) -> None:
    files = {row["quantization"]: row for row in report["gguf"]}
    assert list(files) == ["f16", "Q8_0", "Q4_K_M"]
    for row in files.values():
        assert Path(row["path"]).stat().st_size == row["bytes"]
        assert sum(row["tensor_types"].values()) > 10
    assert files["Q8_0"]["same_answers"] >= 0.9
    assert "Q4_K" in files["Q4_K_M"]["tensor_types"]
    assert files["Q4_K_M"]["bytes"] < files["Q8_0"]["bytes"] < files["f16"]["bytes"]


def test_the_workspace_is_left_with_everything_to_look_at_and_no_votes(report: dict[str, Any], workspace: Path) -> None:
    from studio.engine.settings import Settings
    from studio.engine.studio import open_studio

    studio = open_studio(Settings(workspace=workspace))
    assert report["study"]["votes"] == 0
    assert report["study"]["items"] > 0
    assert studio.traces.page(_everything()).count > 900
    assert {model.name for model in studio.models.list()} >= {row["model"] for row in report["students"]}
    results = studio.studies.results(report["study"]["name"])
    assert (results["wins"], results["losses"], results["win_rate"]) == (0, 0, None)
    studio.close()


def _everything() -> Any:
    from studio.engine.traces import TraceFilter

    return TraceFilter.parse({})
