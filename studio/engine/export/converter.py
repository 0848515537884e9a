"""llama.cpp's own converter from Hugging Face to GGUF, taken from the source distribution of llama-cpp-python.

The wheel leaves the converter out. pip fetches the source distribution of the very version installed, so whatever pip
is told (indexes, proxies, caches, wheel folders) holds here too; the few files needed are kept beside the environment.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tarfile
from email.parser import HeaderParser
from importlib import metadata
from pathlib import Path, PurePosixPath
from typing import IO

from studio.engine.errors import MissingPart
from studio.engine.settings import Settings
from studio.engine.store import sha256_of, temporary_folder

PACKAGE = "llama-cpp-python"
SCRIPT = "convert_hf_to_gguf.py"
_WITHIN = PurePosixPath("vendor/llama.cpp")
_PARTS = (SCRIPT, "conversion", "gguf-py/gguf", "LICENSE")
_STAND_IN = Path(__file__).parent / "metadata_only"
_MANIFEST = "manifest.json"


def converter_folder(settings: Settings) -> Path:
    """Where the converter for the installed llama-cpp-python is. Raises MissingPart when set-up has not fetched it."""
    folder = _place(settings)
    if not (folder / _MANIFEST).is_file():
        raise MissingPart("The GGUF converter is not installed. Run `understudy setup`, which fetches it with pip.")
    return folder


def fetch_converter(settings: Settings) -> Path:
    """Puts the converter in place, unless it is there and unchanged, and returns its folder. Raises MissingPart.

    `manifest.json` in it records the version, and the SHA-256 of the source distribution and of each file.
    """
    folder = _place(settings)
    if _is_whole(folder):
        return folder
    try:
        settings.tools.mkdir(parents=True, exist_ok=True)
        with temporary_folder(settings.tools, ".converter-") as temporary:
            archive = _download(temporary, _version())
            unpacked = temporary / "unpacked"
            _unpack(archive, unpacked, _version())
            if not _is_whole(folder):  # Another process may have been first.
                shutil.rmtree(folder, ignore_errors=True)
                unpacked.rename(folder)
    except OSError as exc:
        if _is_whole(folder):
            return folder
        raise MissingPart(
            f"The GGUF converter cannot be put into {settings.tools} ({exc.strerror or exc}). Free some space or set "
            "UNDERSTUDY_TOOLS to a folder you may write to, then run `understudy setup` again."
        ) from exc
    return folder


def _place(settings: Settings) -> Path:
    return settings.tools / f"converter-{_version()}"


def _version() -> str:
    try:
        return metadata.version(PACKAGE)
    except metadata.PackageNotFoundError as exc:
        raise MissingPart(f"{PACKAGE} is not installed. Install it with `pip install {PACKAGE}`.") from exc


def _is_whole(folder: Path) -> bool:
    try:
        files = json.loads((folder / _MANIFEST).read_text())["files"]
        return bool(files) and all(sha256_of(folder / name) == digest for name, digest in files.items())
    except (OSError, ValueError, KeyError):
        return False


def _download(folder: Path, version: str) -> Path:
    """The source distribution, downloaded by pip and not built."""
    quietly = ["--quiet", "--no-input", "--disable-pip-version-check"]
    source_only = ["--no-deps", "--no-build-isolation", f"--no-binary={PACKAGE}"]
    options = [*quietly, *source_only, f"--dest={folder}"]
    command = [sys.executable, "-m", "pip", "download", *options, f"{PACKAGE}=={version}"]
    path = os.pathsep.join(filter(None, [str(_STAND_IN), os.environ.get("PYTHONPATH", "")]))
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": path}, check=False)
    found = sorted(folder.glob("*.tar.gz"))
    if done.returncode == 0 and found:
        return found[0]
    said = [line.strip() for line in done.stderr.splitlines() if line.strip()]
    if said and "No module named pip" in said[-1]:
        raise MissingPart("This environment has no pip. Run `python -m ensurepip`, then `understudy setup` again.")
    errors = (
        [line.removeprefix("ERROR: ") for line in said if line.startswith("ERROR")] or said[-1:] or ["no reason given"]
    )
    raise MissingPart(
        f"pip could not fetch the source of {PACKAGE} {version}, which holds the GGUF converter ({errors[-1][:200]}). "
        "Connect to the package index or set pip's index, then run `understudy setup` again."
    )


def _unpack(archive: Path, target: Path, version: str) -> None:
    """The converter's files alone, with a manifest. Raises MissingPart when the archive is not the right one."""
    digests: dict[str, str] = {}
    try:
        with tarfile.open(archive) as tar:
            members = {member.name: member for member in tar if member.isfile()}
            root = PurePosixPath(next(iter(members), "nothing")).parts[0]
            _check(tar, members.get(f"{root}/PKG-INFO"), version)
            for name, member in members.items():
                inside = _wanted(PurePosixPath(name), root)
                source = tar.extractfile(member) if inside else None
                if inside and source:
                    digests[inside.as_posix()] = _write(source, target / inside)
    except (tarfile.TarError, EOFError) as exc:
        raise MissingPart(
            f"The source of {PACKAGE} that pip fetched is damaged ({exc}). Run `understudy setup` again."
        ) from exc
    if SCRIPT not in digests:
        raise MissingPart(
            f"The source of {PACKAGE} {version} holds no {SCRIPT}. Install the version this studio names."
        )
    manifest = {
        "package": PACKAGE,
        "version": version,
        "archive": archive.name,
        "sha256": sha256_of(archive),
        "files": digests,
    }
    (target / _MANIFEST).write_text(json.dumps(manifest, indent=1) + "\n")


def _check(tar: tarfile.TarFile, member: tarfile.TarInfo | None, version: str) -> None:
    file = tar.extractfile(member) if member else None
    headers = HeaderParser().parsestr(file.read().decode() if file else "")
    name, found = str(headers.get("Name", "")).replace("_", "-").lower(), str(headers.get("Version", ""))
    if (name, found) != (PACKAGE, version):
        raise MissingPart(
            f"pip fetched {name or 'an unnamed package'} {found} instead of {PACKAGE} {version}. Check pip's index and "
            "run `understudy setup` again."
        )


def _wanted(path: PurePosixPath, root: str) -> PurePosixPath | None:
    """The path within llama.cpp when it belongs to the converter."""
    if ".." in path.parts or not path.is_relative_to(PurePosixPath(root) / _WITHIN):
        return None
    inside = path.relative_to(PurePosixPath(root) / _WITHIN)
    return inside if any(inside == PurePosixPath(part) or inside.is_relative_to(part) for part in _PARTS) else None


def _write(source: IO[bytes], path: Path) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    data = source.read()
    path.write_bytes(data)
    return hashlib.sha256(data).hexdigest()
