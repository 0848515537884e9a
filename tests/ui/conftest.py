"""The whole app over one workspace, built once: what the pages are made of does not change between tests."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from studio.engine.settings import Settings

BASE = "http://127.0.0.1:7860"


@pytest.fixture(scope="session")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A studio whose workspace lives as long as the session; tests must not count on it being empty."""
    from studio.engine.studio import open_studio

    settings = Settings(workspace=tmp_path_factory.mktemp("house") / "workspace", language="en").prepare()
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
def running(app: Any) -> Iterator[TestClient]:
    """Keeps the app's life going for the session."""
    with TestClient(app, base_url=BASE) as client:
        yield client


@pytest.fixture
def stranger(running: TestClient, app: Any) -> TestClient:
    """A browser that has not seen the token."""
    return TestClient(app, base_url=BASE, follow_redirects=False)


@pytest.fixture
def browser(stranger: TestClient, key: Any) -> TestClient:
    """A browser that came in by the link."""
    stranger.cookies.set(key.cookie_name, key.cookie_value)
    return stranger


@pytest.fixture
def sources() -> Path:
    return Path(__file__).parents[2] / "studio" / "ui"
