"""Folders of rows: what `save_to_disk` of the `datasets` library made, or files of one format, as on the hub.

The files in the folder are read, and no others: what its README or its descriptions name elsewhere, on this machine or
in the network, is never opened, and a link that leaves the folder is refused.
"""

import json
import os
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from studio.engine.domain.inside import inside, named_inside
from studio.engine.errors import BadInput
from studio.engine.prompts.files import arrow, csv_rows, json_rows, parquet
from studio.engine.prompts.record import Record, Skip

PREFERRED_SPLIT = "train"
LARGEST_DESCRIPTION = 16 * 1024 * 1024
"""Bytes of a description in JSON; real ones have some thousands."""
SAVED = ("dataset_info.json", "state.json")
DICT = "dataset_dict.json"
FORMATS = {
    ".jsonl": "json", ".ndjson": "json", ".json": "json", ".csv": "csv", ".tsv": "tsv",
    ".parquet": "parquet", ".arrow": "arrow", ".feather": "arrow",
}  # fmt: skip
_NOT_ROWS = ("config.json", "dataset_info.json", "dataset_infos.json", "dataset_dict.json", "state.json")
_SHARD = re.compile(r"(?P<split>[\w.-]+?)-\d{5}-of-\d{5}")
_SPLITS = {
    "train": re.compile(r"(?<![a-z])train(ing)?(?![a-z])", re.I),
    "validation": re.compile(r"(?<![a-z])(validation|valid|dev|val)(?![a-z])", re.I),
    "test": re.compile(r"(?<![a-z])(test(ing)?|eval(uation)?)(?![a-z])", re.I),
}


def rows(path: Path) -> Iterator[Record | Skip]:
    """The rows of a folder; of one with several splits the training split, unless the path names another."""
    if all((path / name).is_file() for name in SAVED):
        return _saved(path)
    if (path / DICT).is_file():
        names = _described(path, DICT).get("splits")
        splits = {str(name): named_inside(name, path) for name in names} if isinstance(names, list) else {}
        return _saved(splits[chosen(list(splits), str(path), f"{path}/SPLIT")])
    return _data_files(path)


def chosen(splits: list[str], origin: str, remedy: str) -> str:
    """The split to read. Raises BadInput when none of several is for training."""
    if len(splits) == 1:
        return splits[0]
    if PREFERRED_SPLIT in splits:
        return PREFERRED_SPLIT
    raise BadInput(f"{origin} has the splits {', '.join(splits)}. Name one of them: {remedy}.")


def _saved(path: Path) -> Iterator[Record | Skip]:
    listed = _described(path, SAVED[1]).get("_data_files")
    if not isinstance(listed, list) or not all(isinstance(entry, dict) for entry in listed):
        raise BadInput(f"The data set in {path} cannot be read (its {SAVED[1]} lists no files). Save it anew.")
    return _joined([named_inside(entry.get("filename"), path) for entry in listed], "arrow")


def _described(path: Path, name: str) -> dict[str, Any]:
    file = named_inside(name, path)
    remedy = "Check that it is whole and was saved by the `datasets` library"
    try:
        if file.stat().st_size > LARGEST_DESCRIPTION:
            raise ValueError(f"{name} is too large")
        value = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as exc:
        raise BadInput(f"The data set in {path} cannot be read ({name}: {str(exc)[:200]}). {remedy}.") from exc
    if not isinstance(value, dict):
        raise BadInput(f"The data set in {path} cannot be read ({name} is no JSON object). {remedy}.")
    return value


def _data_files(path: Path) -> Iterator[Record | Skip]:
    """A folder of JSON, CSV, Parquet or Arrow files, such as a data set downloaded from the hub."""
    found = [(file, FORMATS[_suffix(file)]) for file in _files(path) if _suffix(file) in FORMATS]
    if not found and any(path.glob("*.py")):
        raise BadInput(
            f"The folder {path} holds a loading script. The studio runs no code of a data set: run the script "
            "elsewhere, save its result with `save_to_disk`, and import that folder."
        )
    if not found:
        raise BadInput(f"{path} is a folder without a data set. Name one file in it, or a folder of `save_to_disk`.")
    usual = Counter(form for _, form in found).most_common(1)[0][0]
    splits: dict[str, list[Path]] = {}
    for file, form in found:
        if form == usual:
            splits.setdefault(_split_of(file.relative_to(path)), []).append(inside(file, path))
    return _joined(splits[chosen(sorted(splits), str(path), "one of its files")], usual)


def _files(path: Path) -> Iterator[Path]:
    """Every file in the folder, in order of their names, without hidden ones. Links to folders are refused."""
    for folder, names, files in os.walk(path):
        names[:] = sorted(name for name in names if not name.startswith((".", "__")))
        for name in names:
            inside(Path(folder) / name, path)
        yield from (Path(folder) / name for name in sorted(files) if name not in _NOT_ROWS and name[0] != ".")


def _suffix(file: Path) -> str:
    return Path(file.name.removesuffix(".gz")).suffix.lower()


def _split_of(file: Path) -> str:
    """What a name says of its split, as the library reads it; training where it says nothing."""
    shard = _SHARD.match(file.name)
    if shard:
        return shard["split"]
    for part in (file.name, *reversed(file.parts[:-1])):
        for split, words in _SPLITS.items():
            if words.search(part):
                return split
    return PREFERRED_SPLIT


def _joined(files: list[Path], form: str) -> Iterator[Record | Skip]:
    """The rows of files one after another, numbered on."""
    before = 0
    for file in files:
        last = 0
        for row in _rows_of(file, form):
            last = row.line
            yield replace(row, line=before + row.line)
        before += last


def _rows_of(file: Path, form: str) -> Iterator[Record | Skip]:
    if form == "tsv":
        return csv_rows.rows(file, delimiter="\t")
    return {"json": json_rows.rows, "csv": csv_rows.rows, "parquet": parquet.rows, "arrow": arrow.rows}[form](file)
