"""Fixtures for every test: a workspace of its own, a running practice teacher, the command line in-process."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from studio.engine.settings import Settings

LONGEST = (
    "test_wheel.py",
    "test_real_input_by_clicking.py",
    "test_real_input.py",
    "test_training.py",
    "test_exporting.py",
    "test_moved_workspace.py",
    "test_batch_kills.py",
    "test_first_opening.py",
)
"""Files that take minutes. They come first, so that none of them is begun when the rest is done."""


WHOLE_APP = "http://127.0.0.1:7860"
"""The address of the app that tests ask without a browser."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: LONGEST.index(item.path.name) if item.path.name in LONGEST else len(LONGEST))


os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # Else each process that a test starts compiles the studio anew.
os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
os.environ.setdefault("HF_HUB_OFFLINE", "1")


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No test ever touches a person's own workspace."""
    for name in tuple(os.environ):
        if name.startswith("UNDERSTUDY_") and name not in (
            "UNDERSTUDY_TEST_DATA",
            "UNDERSTUDY_TEST_POSTGRES",
            "UNDERSTUDY_TOOLS",
        ):
            monkeypatch.delenv(name)
    monkeypatch.setenv("UNDERSTUDY_WORKSPACE", str(tmp_path / "workspace"))


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(workspace=tmp_path / "workspace").prepare()


@pytest.fixture(scope="session")
def _migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An SQLite database with all tables and nothing in them, to be copied."""
    from studio.engine.store.database import Database

    settings = Settings(workspace=tmp_path_factory.mktemp("migrated"))
    database = Database(settings)
    database.upgrade()
    database.close()
    return settings.workspace / "understudy.db"


@pytest.fixture
def studio(settings: Settings, _migrated_file: Path) -> Iterator[Any]:
    from studio.engine.studio import open_studio

    shutil.copyfile(_migrated_file, settings.workspace / "understudy.db")
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


@pytest.fixture(scope="session")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The studio of an app that is built once, over a workspace that tests must not count on being empty."""
    from studio.engine.studio import open_studio

    settings = Settings(
        workspace=tmp_path_factory.mktemp("house") / "workspace", language="en", plain_host=True
    ).prepare()
    bundle = open_studio(settings)
    yield bundle
    bundle.close()


@pytest.fixture(scope="session")
def key(house: Any) -> Any:
    from studio.ui.auth import key_of

    return key_of(house.settings.workspace)


@pytest.fixture(scope="session")
def app(house: Any, key: Any) -> Any:
    from studio.ui.shell import build_app

    return build_app(house, key=key)


@pytest.fixture(scope="session")
def running(app: Any) -> Iterator[Any]:
    """Keeps the app's life going for the session."""
    from starlette.testclient import TestClient

    with TestClient(app, base_url=WHOLE_APP) as client:
        yield client


@pytest.fixture
def stranger(running: Any, app: Any) -> Any:
    """A browser that has not seen the token."""
    from starlette.testclient import TestClient

    return TestClient(app, base_url=WHOLE_APP, follow_redirects=False)


@pytest.fixture
def browser(stranger: Any, key: Any, house: Any) -> Any:
    """A browser that came in by the link."""
    from studio.engine.store import Sessions

    stranger.cookies.set(key.cookie_name, Sessions(house.database).begin(house.people.owner()))
    return stranger


@dataclass(frozen=True)
class Result:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@pytest.fixture
def run_cli(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Runs `understudy` in this process against the test's own workspace.

    No reading takes long enough for a patient progress line, however busy the machine is.
    """
    from studio.cli import run

    monkeypatch.setattr("studio.cli.output.PATIENCE", 1e9)

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


@pytest.fixture
def ring() -> Iterator[Any]:
    """A keyring that forgets, in place of the system's."""
    from rings import InMemory, as_keyring

    one = InMemory()
    with as_keyring(one):
        yield one


@pytest.fixture
def no_ring() -> Iterator[None]:
    """A machine without a keyring."""
    from keyring.backends.fail import Keyring
    from rings import as_keyring

    with as_keyring(Keyring()):  # type: ignore[no-untyped-call]
        yield
