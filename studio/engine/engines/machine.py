"""What this machine has: bytes of memory and GPUs, told without loading a library that would take seconds."""

import os
from pathlib import Path

UNTOLD = 1_000_000_000_000
"""Bytes of memory where the system does not say how much there is: nothing is held back for it."""
AMD = Path("/dev/kfd")
NVIDIA = Path("/proc/driver/nvidia/gpus")


def memory_bytes() -> int:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return UNTOLD  # Windows does not say it here.


def nvidia_gpus() -> int:
    """As many as programs started from here may use."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is not None:
        return len([name for name in visible.split(",") if name.strip() not in ("", "-1")])
    return len(list(NVIDIA.iterdir())) if NVIDIA.is_dir() else 0


def has_gpu() -> bool:
    return nvidia_gpus() > 0 or AMD.exists()
