"""A safetensors header is believed only where it fits the file, a config only where the weights hold what it says."""

import json
import struct
from pathlib import Path
from typing import Any

import pytest

from studio.engine.errors import BadInput
from studio.engine.models.tensors import Tensor, check_config, tensors_of

WHOLE = {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}


def written(path: Path, *entries: dict[str, Any], data: int = 24) -> Path:
    header = json.dumps({f"w{number}": entry for number, entry in enumerate(entries)}).encode()
    path.write_bytes(struct.pack("<Q", len(header)) + header + bytes(data))
    return path


def test_a_whole_file_is_read_from_its_header_alone(tmp_path: Path) -> None:
    strange = {"dtype": "F6_E2M3", "shape": [5], "data_offsets": [24, 27]}
    file = written(tmp_path / "w.safetensors", WHOLE, strange, data=27)
    assert tensors_of(file) == [Tensor("w0", "F32", [2, 3]), Tensor("w1", "F6_E2M3", [5])]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"shape": [1 << 40, 1 << 40]}, "another length than its place"),
        ({"shape": [1 << 60]}, "a length that none can have"),
        ({"shape": [-1]}, "a length that none can have"),
        ({"shape": "2x3"}, "no list of lengths"),
        ({"data_offsets": [0, 10**12]}, "outside the file"),
        ({"data_offsets": [24, 0]}, "outside the file"),
        ({"data_offsets": [-24, 0]}, "outside the file"),
        ({"data_offsets": [0, 16]}, "another length than its place"),
        ({"data_offsets": [0]}, "are damaged"),
        ({"data_offsets": None}, "are damaged"),
    ],
)
def test_a_header_that_does_not_fit_its_file_is_refused(tmp_path: Path, change: dict[str, Any], said: str) -> None:
    with pytest.raises(BadInput, match=said) as caught:
        tensors_of(written(tmp_path / "w.safetensors", {**WHOLE, **change}))
    assert caught.value.message.startswith("The weights in ") and "\n" not in caught.value.message


def test_a_file_that_was_cut_off_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="outside the file"):
        tensors_of(written(tmp_path / "w.safetensors", WHOLE, data=20))


TENSORS = [
    Tensor("model.embed_tokens.weight", "F32", [100, 8]),
    Tensor("model.layers.0.mlp.up.weight", "F32", [8, 8]),
    Tensor("model.layers.1.mlp.up.weight", "F32", [8, 8]),
]


@pytest.mark.parametrize(
    "config",
    [
        {"vocab_size": 100, "num_hidden_layers": 2},
        {"vocab_size": 97, "num_hidden_layers": 1},  # Rows are often rounded up, and a layer may be for training only.
        {"text_config": {"vocab_size": 100}},
        {"vocab_size": "many"},
        {},
    ],
)
def test_a_config_that_the_weights_can_hold_is_taken(tmp_path: Path, config: dict[str, Any]) -> None:
    check_config(tmp_path, config, TENSORS)
    check_config(tmp_path, {"vocab_size": 10**9, "num_hidden_layers": 10**6}, [Tensor("odd", "F32", [1])])


@pytest.mark.parametrize(
    "config", [{"vocab_size": 10**9}, {"num_hidden_layers": 10**6}, {"text_config": {"num_hidden_layers": 3}}]
)
def test_a_config_that_promises_more_than_the_weights_hold_is_refused(tmp_path: Path, config: dict[str, Any]) -> None:
    with pytest.raises(BadInput, match="but the weights hold"):
        check_config(tmp_path, config, TENSORS)
