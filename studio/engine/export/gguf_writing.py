"""Writes GGUF files: converts a model folder with llama.cpp's converter and quantizes it, each in a child process.

A file appears under its final name only when it is whole: it is written beside it and renamed.
"""

import json
import shutil
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from studio.engine.engines import ModelLimits, run_child, without_generation_marks
from studio.engine.errors import BadInput, Failed, Stopped, StudioError
from studio.engine.export.converter import SCRIPT
from studio.engine.export.quantizations import FLOATS, QUANTIZED
from studio.engine.models import FolderFacts, chat_template_of, read_gguf
from studio.engine.store import put_in_place

SPARE = 64 * 2**20
"""Bytes of a disk that are left alone."""
Stop = Callable[[], bool] | None


def convert(folder: Path, out: Path, kind: str, *, name: str, converter: Path, should_stop: Stop = None) -> None:
    """Writes the model in `folder` as a GGUF file of f16, bf16 or f32. Raises BadInput or Failed, leaving none."""
    with tempfile.TemporaryDirectory(prefix="understudy-convert-") as staged:
        source = _portable(folder, Path(staged) / "model")
        arguments = [converter / SCRIPT, source, out, kind, name]
        limits = ModelLimits.for_model(folder)
        module, doing = "studio.engine.export.convert_child", f"Converting model '{name}'"
        _whole_or_gone(out, module, arguments, doing, limits, should_stop)


def quantize(source: Path, out: Path, quantization: str, *, threads: int, should_stop: Stop = None) -> None:
    """Writes `source`, a float GGUF file, in another quantization. Raises Failed; leaves no half file."""
    arguments = [source, out, QUANTIZED[quantization], threads]
    module, doing = "studio.engine.export.quantize_child", f"Quantizing to {quantization}"
    _whole_or_gone(out, module, arguments, doing, ModelLimits.for_model(source), should_stop)


def settle(made: Path, path: Path) -> None:
    """Gives a finished file its final name, in place of what was there before."""
    try:
        put_in_place(made, path)
    except OSError as exc:
        raise Failed(
            f"The file {path} could not be written ({exc.strerror}). Choose another place with --out."
        ) from exc


def float_kind(facts: FolderFacts, wanted: str) -> str:
    """The float format to write first: the one wanted, else the weights' own 16 bits."""
    if wanted in FLOATS:
        return wanted
    return "bf16" if facts.dtype == "BF16" else "f16"


def check_room(folder: Path, needed: int) -> None:
    """Raises Failed when the disk cannot take `needed` more bytes."""
    free = free_bytes(folder)
    if free < needed + SPARE:
        raise Failed(
            f"There is no disk space for the export: it needs about {needed / 2**20:,.0f} MB at {folder} and "
            f"{free / 2**20:,.0f} MB are free. Free some, or name another place with --out."
        )


def free_bytes(folder: Path) -> int:
    return shutil.disk_usage(folder).free


def _whole_or_gone(
    out: Path, module: str, arguments: list[object], doing: str, limits: ModelLimits, should_stop: Stop
) -> None:
    try:
        run_child(module, arguments, doing=doing, limits=limits, should_stop=should_stop)
        read_gguf(out)
    except StudioError as error:
        longest = limits.written or 0
        is_cut = out.is_file() and out.stat().st_size >= longest > 0
        with suppress(OSError):
            out.unlink()
        if isinstance(error, Stopped):
            raise
        if is_cut:
            raise BadInput(
                f"{doing} writes far more than its model can hold (over {longest // 2**20:,} MB). Check where "
                "the model comes from, or get it anew."
            ) from error
        if _names_full_disk(error.message) or free_bytes(out.parent) < SPARE // 4:
            raise Failed(
                f"{doing} failed: there is no disk space left at {out.parent}. Free some and export again."
            ) from error
        raise


def _names_full_disk(text: str) -> bool:
    return any(sign in text for sign in ("No space left", "Errno 28", "iostream error", "basic_ios::clear"))


def _portable(folder: Path, staged: Path) -> Path:
    """The folder itself, or a stand-in for it whose chat template programs without training marks can read."""
    template = chat_template_of(folder)
    if template is None or without_generation_marks(template) == template:
        return folder
    staged.mkdir()
    for file in folder.iterdir():
        if file.is_file() and file.name != "chat_template.jinja":
            _link(file, staged / file.name)
    (staged / "chat_template.jinja").write_text(without_generation_marks(template), encoding="utf-8")
    _drop_template(staged / "tokenizer_config.json")
    return staged


def _link(source: Path, target: Path) -> None:
    try:
        target.symlink_to(source.resolve())
    except OSError:  # Windows lets only some accounts make links
        shutil.copyfile(source, target)


def _drop_template(config: Path) -> None:
    """A template in the tokenizer's settings would stand beside the rewritten one."""
    if not config.is_file():
        return
    values = json.loads(config.read_text(encoding="utf-8"))
    values.pop("chat_template", None)
    config.unlink()
    config.write_text(json.dumps(values), encoding="utf-8")
