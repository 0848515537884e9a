"""A training as its job keeps it: every folder and file by its address, so that a moved workspace goes on with it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from studio.engine.domain.address import HUB, Address
from studio.engine.store import Addresses
from studio.engine.training.spec import TrainSpec


def stored_spec(spec: TrainSpec, addresses: Addresses) -> dict[str, Any]:
    """`TrainSpec.as_dict` with addresses in place of paths; a base of the hub is `hf://org/name`."""
    data = spec.as_dict()
    base = Path(spec.base)
    data["base"] = str(addresses.of(base) if base.is_absolute() else Address.of_hub(spec.base))
    for kept, stage in zip(data["stages"], spec.stages, strict=True):
        kept["file"] = str(addresses.of(stage.file))
    return data


def restored_spec(data: Mapping[str, Any], addresses: Addresses) -> TrainSpec:
    """The same on this machine, now. Raises BadInput for what is not on it."""
    base = Address.parse(data["base"])
    stages = [{**stage, "file": str(addresses.path(stage["file"]))} for stage in data["stages"]]
    local = base.rest if base.scheme == HUB else str(addresses.path(base))
    return TrainSpec.from_dict({**data, "base": local, "stages": stages})
