"""Data sets of the `datasets` library: a folder that `save_to_disk` made, a folder of data files, or one of the hub.

Rows are taken from Arrow as they are: pictures and sounds are not decoded, and no code of a data set is ever run.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from studio.engine.errors import BadInput, StudioError
from studio.engine.prompts.files.parquet import first_line, records
from studio.engine.prompts.record import Record, Skip

HUB = "hub:"
BATCH_ROWS = 256
REACHED_IN = 15.0
"""Seconds in which the hub must answer."""
PREFERRED_SPLIT = "train"
_HUB_NAME = re.compile(r"hub:(?P<name>[\w.-]+(?:/[\w.-]+)?)(?::(?P<config>[^/:]+)?(?:/(?P<split>[^/]+))?)?")
_SAVED = ("dataset_info.json", "state.json")
_DICT = "dataset_dict.json"


def is_hub(path: Path) -> bool:
    return path.as_posix().startswith(HUB)


def hub_name(path: Path) -> tuple[str, str | None, str | None]:
    """(name, configuration, split) of `hub:owner/name` or `hub:owner/name:config/split`. Raises `BadInput`."""
    found = _HUB_NAME.fullmatch(path.as_posix())
    if found is None:
        raise BadInput(f"'{path.as_posix()}' is not hub:OWNER/NAME or hub:OWNER/NAME:CONFIGURATION/SPLIT.")
    return found["name"], found["config"], found["split"]


def folder_rows(path: Path) -> Iterator[Record | Skip]:
    """The rows of a folder; of one with several splits the training split, unless the path names another."""
    with _explained(f"The data set in {path} cannot be read"):
        import datasets

        if all((path / name).is_file() for name in _SAVED):
            yield from _records(datasets.load_from_disk(str(path)))
        elif (path / _DICT).is_file():
            splits = datasets.load_from_disk(str(path))
            yield from _records(splits[_chosen(list(splits), str(path), f"{path}/SPLIT")])
        else:
            yield from _data_files(path)


def hub_rows(path: Path) -> Iterator[Record | Skip]:
    """The rows of a data set on the hub, streamed: nothing but what is read is fetched."""
    name, config, split = hub_name(path)
    remedy = "Check the name and the connection, or download it elsewhere and import its folder"
    with _explained(f"The data set '{name}' cannot be had from the hub", remedy):
        import datasets
        from huggingface_hub import HfApi

        # One question that is not repeated: the library below asks for half a minute before it gives up.
        HfApi().dataset_info(name, timeout=REACHED_IN)
        found = datasets.load_dataset(name, config, split=split, streaming=True)
        if isinstance(found, dict):
            found = found[_chosen(list(found), name, f"hub:{name}:{config or ''}/SPLIT")]
        yield from _records(found)


def _data_files(path: Path) -> Iterator[Record | Skip]:
    """A folder of JSON, CSV, Parquet or Arrow files, such as a data set downloaded from the hub."""
    import datasets

    if any(path.glob("*.py")) and not any(_known_files(path)):
        raise BadInput(
            f"The folder {path} holds a loading script. The studio runs no code of a data set: run the script "
            "elsewhere, save its result with `save_to_disk`, and import that folder."
        )
    if not any(_known_files(path)):
        raise BadInput(f"{path} is a folder without a data set. Name one file in it, or a folder of `save_to_disk`.")
    found = datasets.load_dataset(str(path), streaming=True)
    yield from _records(found[_chosen(list(found), str(path), "one of its files")])


def _known_files(path: Path) -> Iterator[Path]:
    for pattern in ("*.jsonl", "*.json", "*.csv", "*.tsv", "*.parquet", "*.arrow", "*.jsonl.gz", "*.json.gz"):
        yield from path.rglob(pattern)


def _records(rows: Any) -> Iterator[Record | Skip]:
    number = 0
    for table in rows.with_format("arrow").iter(batch_size=BATCH_ROWS):
        yield from records(table, number)
        number += table.num_rows


def _chosen(splits: list[str], origin: str, remedy: str) -> str:
    if len(splits) == 1:
        return splits[0]
    if PREFERRED_SPLIT in splits:
        return PREFERRED_SPLIT
    raise BadInput(f"{origin} has the splits {', '.join(splits)}. Name one of them: {remedy}.")


@contextmanager
def _explained(fault: str, remedy: str = "Check that it is whole and was saved by the `datasets` library") -> Any:
    """The library's many kinds of errors as one sentence; it shows no progress of its own."""
    import datasets

    hidden, level = datasets.utils.are_progress_bars_disabled(), datasets.logging.get_verbosity()
    datasets.disable_progress_bars()
    datasets.logging.set_verbosity(datasets.logging.CRITICAL)
    try:
        yield
    except (StudioError, GeneratorExit):
        raise
    except Exception as exc:  # Network, file systems, formats and configurations all fail in their own ways here.
        raise BadInput(f"{fault} ({first_line(exc)}). {remedy}.") from exc
    finally:
        datasets.logging.set_verbosity(level)
        if not hidden:
            datasets.enable_progress_bars()
