"""The built wheel, installed outside the checkout, sets itself up and runs the quick demo."""

import json
import os
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

pytestmark = pytest.mark.timeout(900)


@pytest.fixture(scope="module")
def understudy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The command of a new environment with the wheel and, by a link, the libraries of this one, not the checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(folder), str(ROOT)]
    subprocess.run(build, check=True)
    (wheel,) = folder.glob("understudy-*.whl")
    venv.create(folder / "env", with_pip=True)
    binaries = folder / "env" / "bin"
    (site,) = (folder / "env" / "lib").glob("python*/site-packages")
    install = [binaries / "python", "-m", "pip", "install", "--quiet", "--no-deps", wheel]
    subprocess.run(install, check=True, cwd=folder)
    (site / "libraries.pth").write_text(sysconfig.get_paths()["purelib"] + "\n")
    return binaries / "understudy"


def run(understudy: Path, *arguments: str) -> dict[str, object]:
    outside = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "UNDERSTUDY_TOOLS")}
    done = subprocess.run(
        [understudy, *arguments, "--json"], capture_output=True, text=True, cwd=understudy.parent, env=outside
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_wheel_sets_up_and_runs_the_quick_demo_outside_the_checkout(understudy: Path, tmp_path: Path) -> None:
    where = "import studio; print(studio.__file__)"
    found = subprocess.run(
        [understudy.parent / "python", "-c", where], capture_output=True, text=True, cwd=tmp_path
    ).stdout
    assert str(ROOT) not in found
    checks = run(understudy, "setup")["checks"]
    assert all(check["ok"] for check in checks), checks  # type: ignore[attr-defined, index]
    report = run(understudy, "--workspace", str(tmp_path / "workspace"), "demo", "--quick", "--seed", "5")
    assert report["teacher_exact_match"] == 1.0
    assert Path(report["gguf"][0]["path"]).is_file()  # type: ignore[index]
