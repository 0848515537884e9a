"""Where the pages' source is."""

from pathlib import Path

import pytest


@pytest.fixture
def sources() -> Path:
    return Path(__file__).parents[2] / "studio" / "ui"
