"""The built wheel, installed outside the checkout, sets itself up and runs the quick demo as a user runs it: every part
of the loop, and figures that can be believed."""

import json
import math
import os
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path
from typing import Any

import pytest

from studio.engine.practice.families import DEMO_FAMILIES

ROOT = Path(__file__).resolve().parent.parent
SEED = 11

pytestmark = pytest.mark.timeout(900)


@pytest.fixture(scope="module")
def understudy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The command of a new environment with the wheel and, by a link, the libraries of this one, not the checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(folder), str(ROOT)]
    subprocess.run(build, check=True)
    (wheel,) = folder.glob("understudy-*.whl")
    venv.create(folder / "env")
    binaries = folder / "env" / "bin"
    (site,) = (folder / "env" / "lib").glob("python*/site-packages")
    into = ["--python", str(binaries / "python")]
    install = [sys.executable, "-m", "pip", *into, "install", "--quiet", "--no-deps", wheel]
    subprocess.run(install, check=True, cwd=folder)
    (site / "libraries.pth").write_text(sysconfig.get_paths()["purelib"] + "\n")
    return binaries / "understudy"


def run(understudy: Path, *arguments: str) -> Any:
    outside = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "UNDERSTUDY_TOOLS")}
    done = subprocess.run(
        [understudy, *arguments, "--json"], capture_output=True, text=True, cwd=understudy.parent, env=outside
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("demo") / "workspace"


@pytest.fixture(scope="module")
def report(understudy: Path, workspace: Path) -> dict[str, Any]:
    checks = run(understudy, "setup")["checks"]
    assert all(check["ok"] for check in checks), checks
    return run(understudy, "--workspace", str(workspace), "demo", "--quick", "--seed", str(SEED))


def test_wheel_sets_up_and_runs_the_quick_demo_outside_the_checkout(
    understudy: Path, report: dict[str, Any], tmp_path: Path
) -> None:
    where = "import studio; print(studio.__file__)"
    found = subprocess.run(
        [understudy.parent / "python", "-c", where], capture_output=True, text=True, cwd=tmp_path
    ).stdout
    assert str(ROOT) not in found
    assert report["teacher_exact_match"] == 1.0
    assert Path(report["gguf"][0]["path"]).is_file()


def test_wheel_carries_every_template(understudy: Path, tmp_path: Path) -> None:
    """Pages are drawn from files beside the code; a page of the installed one is drawn whole."""
    code = (
        "from studio.ui.rendering import TEMPLATES, environment\n"
        "names = sorted(path.relative_to(TEMPLATES).as_posix() for path in TEMPLATES.rglob('*.html'))\n"
        "[environment().get_template(name) for name in names]\n"
        "print(*names)"
    )
    outside = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        [understudy.parent / "python", "-c", code], capture_output=True, text=True, cwd=tmp_path, env=outside
    )
    assert done.returncode == 0, done.stderr
    here = ROOT / "studio" / "ui" / "templates"
    assert done.stdout.split() == sorted(path.relative_to(here).as_posix() for path in here.rglob("*.html"))


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
    # The sharp measure: over thousands of tokens Q8_0 is ten times closer than Q4_K_M (measured on seeds 11 to 13:
    # f16 at most 1e-7, Q8_0 1.5e-5 to 6.3e-5, Q4_K_M 4e-4 to 2.3e-3 nats a token).
    assert files["f16"]["mean_kl"] < 1e-6
    assert files["Q8_0"]["mean_kl"] < 2e-4
    # The blunt one: 40 answers of a student that is often in two minds, on a processor whose sums may round otherwise.
    assert files["f16"]["same_answers"] >= 0.95
    assert chance_of_at_most(files["Q8_0"]["same_answers"], of=report["unseen_problems"], if_each=0.95) > 0.001
    assert "Q4_K" in files["Q4_K_M"]["tensor_types"]
    assert files["Q4_K_M"]["bytes"] < files["Q8_0"]["bytes"] < files["f16"]["bytes"]


def chance_of_at_most(share: float, *, of: int, if_each: float) -> float:
    """Of seeing such a share of `of` or a smaller one, when each has the chance `if_each`."""
    return sum(math.comb(of, n) * if_each**n * (1 - if_each) ** (of - n) for n in range(round(share * of) + 1))


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
