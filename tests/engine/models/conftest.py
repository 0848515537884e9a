"""A tiny model folder, made once, and the GGUF file that llama.cpp's own converter makes of it."""

import runpy
from pathlib import Path

import pytest

_make = runpy.run_path(str(Path(__file__).parent.parent / "models" / "tiny_llama.py"))["make"]


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _make(tmp_path_factory.mktemp("tiny") / "tiny")


@pytest.fixture(scope="session")
def tiny_gguf(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    from studio.engine.export.converter import fetch
    from studio.engine.export.gguf_writing import convert
    from studio.engine.settings import Settings

    out = tmp_path_factory.mktemp("gguf") / "tiny.gguf"
    convert(tiny, out, "f16", name="tiny", converter=fetch(Settings()))
    return out
