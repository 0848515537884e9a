"""The requests of inventions, from `invention.yaml` in the folder of assets."""

from functools import cache
from pathlib import Path
from typing import Any

import yaml


class Wording:
    """The templates of one method; names in braces are filled in."""

    def __init__(self, assets: Path, method: str) -> None:
        self._templates: dict[str, str] = _file(assets / "invention.yaml")[method]

    def __call__(self, template: str, **values: Any) -> str:
        return self._templates[template].format(**values).strip()


@cache
def _file(path: Path) -> dict[str, dict[str, str]]:
    loaded: dict[str, dict[str, str]] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return loaded
