"""Fixtures for every test: a workspace of its own, a running practice teacher, the command line in-process."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from studio.engine.settings import Settings

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
os.environ.setdefault("HF_HUB_OFFLINE", "1")


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No test ever touches a person's own workspace."""
    for name in tuple(os.environ):
        if name.startswith("UNDERSTUDY_") and name not in ("UNDERSTUDY_TEST_DATA", "UNDERSTUDY_TOOLS"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("UNDERSTUDY_WORKSPACE", str(tmp_path / "workspace"))


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(workspace=tmp_path / "workspace").prepare()


@pytest.fixture
def studio(settings: Settings) -> Iterator[Any]:
    from studio.engine.studio import open_studio

    bundle = open_studio(settings)
    yield bundle
    bundle.close()


@pytest.fixture(scope="session")
def practice_url() -> Iterator[str]:
    """The base URL, ending in /v1, of a practice teacher that runs for the whole session."""
    process = subprocess.Popen(
        [sys.executable, "-m", "studio.engine.practice.server", "--port", "0"], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    try:
        yield process.stdout.readline().split()[-1].strip()
    finally:
        process.terminate()
        process.wait(10)
        process.stdout.close()


@dataclass(frozen=True)
class Result:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@pytest.fixture
def run_cli(capsys: pytest.CaptureFixture[str]) -> Callable[..., Result]:
    """Runs `understudy` in this process against the test's own workspace."""
    from studio.cli import run

    def call(*arguments: object) -> Result:
        capsys.readouterr()
        code = run([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return Result(code, captured.out, captured.err)

    return call


@pytest.fixture(scope="session")
def data() -> Path:
    """The folder of real public data, or a skip that says where it would be; missing in CI is a failure."""
    folder = os.environ.get("UNDERSTUDY_TEST_DATA", "")
    if folder and Path(folder).is_dir():
        return Path(folder)
    if os.environ.get("CI") == "true":
        pytest.fail("UNDERSTUDY_TEST_DATA does not name a folder")
    pytest.skip("UNDERSTUDY_TEST_DATA does not name the folder of public test data")
