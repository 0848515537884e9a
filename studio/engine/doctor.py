"""Is everything here that the studio needs? One check per part, each with what to do when it is missing."""

import importlib.metadata
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

from studio.engine.engines import ModelLimits, has_limits
from studio.engine.errors import MissingPart, StudioError
from studio.engine.export import converter_folder
from studio.engine.settings import Settings
from studio.engine.store import Database, open_address

LEAST_PYTHON = (3, 11)
LEAST_DISK_GB = 5
LIBRARIES = ("gradio", "openai", "torch", "transformers", "trl", "peft", "accelerate", "llama-cpp-python")


@dataclass(frozen=True)
class Check:
    """`ok` is true, false, or None for something that is good to have and not needed."""

    name: str
    ok: bool | None
    detail: str


def examine(settings: Settings) -> Iterator[Check]:
    """All checks in order, each made when it is asked for."""
    checks: tuple[Callable[[Settings], Check], ...] = (
        python, compiler, libraries, gpu, converter_present, practice_base, workspace, disk, database, port,
        reading_limits, model_limits,
    )  # fmt: skip
    for check in checks:
        yield check(settings)


def report(checks: list[Check]) -> dict[str, Any]:
    return {"checks": [{**asdict(check), "ok": check.ok is not False} for check in checks]}


def python(settings: Settings) -> Check:
    version = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info >= LEAST_PYTHON:
        return Check("python", True, version)
    return Check("python", False, f"{version} is too old; install Python {'.'.join(map(str, LEAST_PYTHON))} or newer.")


def compiler(settings: Settings) -> Check:
    found = next((path for name in ("c++", "g++", "clang++", "cl") if (path := shutil.which(name))), None)
    if found:
        return Check("compiler", True, found)
    if _version("llama-cpp-python"):
        return Check("compiler", None, "none found; not needed, since llama-cpp-python is already built.")
    return Check("compiler", False, "no C++ compiler found; install one (Debian: apt-get install build-essential).")


def libraries(settings: Settings) -> Check:
    versions = {name: _version(name) for name in LIBRARIES}
    missing = [name for name, version in versions.items() if version is None]
    if missing:
        return Check("libraries", False, f"{', '.join(missing)} missing; run make setup, or pip install understudy.")
    return Check("libraries", True, ", ".join(f"{name} {version}" for name, version in versions.items()))


def reading_limits(settings: Settings) -> Check:
    if has_limits():
        return Check("reading limits", True, f"{settings.parser_memory_mb:,} MB for reading files of others")
    return Check(
        "reading limits", None, "this system cannot limit a process's memory; import files from people you trust."
    )


def model_limits(settings: Settings) -> Check:
    name = "model limits"
    if not has_limits():
        return Check(name, None, "this system cannot limit a process's memory; run models of people you trust.")
    memory = ModelLimits.for_size(1 << 30).memory
    if memory is None:
        return Check(name, None, "beside a GPU a model's memory has no limit, its time has; run models you trust.")
    return Check(name, True, f"{memory >> 20:,} MB for running or converting a model of one gigabyte")


def gpu(settings: Settings) -> Check:
    code = "import torch; print(torch.cuda.get_device_name(0) if torch.cuda.is_available() else '')"
    try:
        found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120).stdout.strip()
    except subprocess.TimeoutExpired:
        found = ""
    return Check("gpu", True, found) if found else Check("gpu", None, "none; small models train on the processor.")


def converter_present(settings: Settings) -> Check:
    try:
        return Check("converter", True, str(converter_folder(settings)))
    except MissingPart as exc:
        return Check("converter", False, exc.message)


def practice_base(settings: Settings) -> Check:
    folder = settings.assets / "practice-base"
    if (folder / "model.safetensors").is_file():
        return Check("practice base", True, str(folder))
    return Check("practice base", False, f"{folder} has no model; install Understudy again.")


def workspace(settings: Settings) -> Check:
    try:
        settings.prepare()
        probe = settings.workspace / ".writable"
        probe.write_text("")
        probe.unlink()
    except (StudioError, OSError) as exc:
        return Check(
            "workspace", False, f"{settings.workspace} cannot be written ({exc}); name another with --workspace."
        )
    return Check("workspace", True, str(settings.workspace))


def disk(settings: Settings) -> Check:
    folder = next(path for path in (settings.workspace, *settings.workspace.parents) if path.exists())
    free = shutil.disk_usage(folder).free / 1e9
    if free >= LEAST_DISK_GB:
        return Check("disk", True, f"{free:.0f} GB free")
    return Check("disk", False, f"only {free:.1f} GB free for {settings.workspace}; make room for {LEAST_DISK_GB} GB.")


def database(settings: Settings) -> Check:
    try:
        opened = Database(settings)
        opened.upgrade()
        opened.close()
    except Exception as exc:
        where = "UNDERSTUDY_DATABASE_URL" if settings.database_url else str(settings.workspace)
        return Check("database", False, f"the database of {where} does not open ({type(exc).__name__}).")
    return Check("database", True, "PostgreSQL" if settings.database_url else "SQLite")


def port(settings: Settings) -> Check:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", settings.port))
        except OSError:
            if (address := open_address(settings)) and address.endswith(f":{settings.port}"):
                return Check("port", True, f"the app of this workspace is open on {settings.port}")
            return Check("port", None, f"{settings.port} is in use; start the app with understudy open --port N.")
    return Check("port", True, f"{settings.port} is free")


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None
