"""What the hub sends is a stranger's: it is parsed in a limited child, and is refused in a sentence."""

import json
import shutil
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet as pq
from small_hub import serving

from studio.engine.errors import BadInput
from studio.engine.models import folder as model_folder
from studio.engine.prompts.files import READERS, data_sets
from studio.engine.prompts.record import Record

ID = "someone/thing"


def never(*_: Any, **__: Any) -> Any:
    raise AssertionError("a stranger's bytes were parsed in this process")


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    return tmp_path / "repository"


@pytest.fixture(autouse=True)
def _fresh_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No child finds, or leaves, anything in the hub's own cache."""
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hub"))
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)


@pytest.fixture
def hub_of_data(repository: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    repository.mkdir()
    with serving(data_sets={ID: repository}) as address:
        monkeypatch.setenv("HF_ENDPOINT", address)
        yield repository


@pytest.fixture
def hub_of_models(repository: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, settings: Any) -> Iterator[Path]:
    shutil.copytree(settings.assets / "practice-base", repository)
    with serving(models={ID: repository}) as address:
        from huggingface_hub import constants

        monkeypatch.setattr(constants, "ENDPOINT", address)
        monkeypatch.setattr(
            constants, "HUGGINGFACE_CO_URL_TEMPLATE", address + "/{repo_id}/resolve/{revision}/{filename}"
        )
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
        yield repository


def test_a_data_set_of_the_hub_is_read_in_a_child(hub_of_data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pq.write_table(pa.table({"prompt": ["one", "two"]}), hub_of_data / "train.parquet")
    for name in ("_records", "_refuse_strangers"):
        monkeypatch.setattr(data_sets, name, never)
    rows = list(READERS["hub"](Path(f"hub:{ID}")))
    assert [row.value["prompt"] for row in rows if isinstance(row, Record)] == ["one", "two"]


def test_a_damaged_data_set_of_the_hub_is_a_sentence(hub_of_data: Path) -> None:
    whole = hub_of_data / "whole.parquet"
    pq.write_table(pa.table({"prompt": ["one"] * 1000}), whole)
    data = whole.read_bytes()
    whole.unlink()
    (hub_of_data / "train.parquet").write_bytes(data[:20] + b"\xff" * (len(data) - 28) + data[-8:])
    with pytest.raises(BadInput, match=f"{ID}") as caught:
        list(READERS["hub"](Path(f"hub:{ID}")))
    assert "\n" not in caught.value.message and len(caught.value.message) < 1000


def test_a_model_of_the_hub_is_read_in_a_child(
    hub_of_models: Path, studio: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("facts_of", "_facts", "tensors_of", "_config"):
        monkeypatch.setattr(model_folder, name, never)
    model = studio.models.import_model(ID, "mine")
    assert model.detail["origin"] == ID and model.detail["parameters"] > 0
    assert studio.models.base_of(ID).path.is_dir()


@pytest.mark.parametrize("use", ["import", "train"])
def test_a_hostile_model_of_the_hub_is_a_sentence_and_nothing_is_kept(
    hub_of_models: Path, studio: Any, use: str
) -> None:
    header = json.dumps({"w": {"dtype": "F32", "shape": [-1, 1 << 60], "data_offsets": [0, 4]}}).encode()
    weights = struct.pack("<Q", len(header)) + header + bytes(4)
    (hub_of_models / "model.safetensors").write_bytes(weights)
    with pytest.raises(BadInput, match="are damaged") as caught:
        studio.models.import_model(ID, "mine") if use == "import" else studio.models.base_of(ID)
    assert "\n" not in caught.value.message
    assert "mine" not in [model.name for model in studio.models.list()]
    assert not studio.models.folder.exists() or list(studio.models.folder.iterdir()) == []
