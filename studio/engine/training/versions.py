"""The versions that train a student, and on what: kept with it, since a card may say only what was so at the time."""

import os
import platform
import sys
from importlib.metadata import PackageNotFoundError, version

PACKAGES = ("understudy", "torch", "transformers", "accelerate", "peft", "tokenizers")


def made_with() -> dict[str, str]:
    """Names and versions of this process, and its processor; nothing is imported for it."""
    found = {name: known for name in PACKAGES if (known := _version(name))}
    return {**found, "Python": platform.python_version(), **_machine()}


def _machine() -> dict[str, str]:
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():
        return {"on": torch.cuda.get_device_name()}
    return {"on": f"{os.cpu_count()} cores of {platform.machine() or 'a processor'}"}


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""
