"""Gives pip the metadata that a source distribution already carries, so that pip can download it without building it.

pip insists on a package's metadata even for a plain download, and the real backend would configure a C++ build for it.
`export.converter` puts this folder first on the path of that one pip process; nothing of the distribution itself runs.
"""

import shutil
from pathlib import Path
from typing import Any


def prepare_metadata_for_build_wheel(metadata_directory: str, config_settings: dict[str, Any] | None = None) -> str:
    folder = Path(metadata_directory) / "llama_cpp_python.dist-info"
    folder.mkdir()
    shutil.copyfile("PKG-INFO", folder / "METADATA")
    return folder.name


def build_wheel(
    wheel_directory: str, config_settings: dict[str, Any] | None = None, metadata: str | None = None
) -> str:
    raise RuntimeError("This stand-in builds nothing: it only lets pip download a source distribution.")
