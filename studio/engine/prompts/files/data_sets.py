"""Data sets of the `datasets` library: a folder that `save_to_disk` made, a folder of data files, or one of the hub.

Rows are taken from Arrow as they are: pictures and sounds are not decoded, and no code of a data set is ever run.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from studio.engine.errors import BadInput, StudioError
from studio.engine.prompts.files import folders
from studio.engine.prompts.files.parquet import first_line, records
from studio.engine.prompts.record import Record, Skip, texts_in

BATCH_ROWS = 256
REACHED_IN = 15.0
"""Seconds in which the hub must answer."""
OWN_SETTINGS = ".huggingface.yaml"
"""A second description that the library reads and the hub does not tell."""
_HUB_NAME = re.compile(r"hub:(?P<name>\w[\w.-]*(?:/\w[\w.-]*)?)(?::(?P<config>[^/:]+)?(?:/(?P<split>[^/]+))?)?")


def hub_name(path: Path) -> tuple[str, str | None, str | None]:
    """(name, configuration, split) of `hub:owner/name` or `hub:owner/name:config/split`. Raises `BadInput`."""
    found = _HUB_NAME.fullmatch(path.as_posix())
    if found is None or ".." in found["name"]:
        raise BadInput(f"'{path.as_posix()}' is not hub:OWNER/NAME or hub:OWNER/NAME:CONFIGURATION/SPLIT.")
    if Path(found["name"]).exists():  # The library would read that in place of the hub.
        raise BadInput(f"There is something named '{found['name']}' where the studio runs. Name its path instead.")
    return found["name"], found["config"], found["split"]


def folder_rows(path: Path) -> Iterator[Record | Skip]:
    """The rows of a folder of files; see `folders`."""
    return folders.rows(path)


def hub_rows(path: Path) -> Iterator[Record | Skip]:
    """The rows of a data set on the hub, streamed: nothing but what is read is fetched."""
    name, config, split = hub_name(path)
    remedy = "Check the name and the connection, or download it elsewhere and import its folder"
    with _explained(f"The data set '{name}' cannot be had from the hub", remedy):
        import datasets
        from huggingface_hub import HfApi

        # One question that is not repeated: the library below asks for half a minute before it gives up.
        _refuse_strangers(name, HfApi().dataset_info(name, timeout=REACHED_IN))
        found = datasets.load_dataset(name, config, split=split, streaming=True)
        if isinstance(found, dict):
            found = found[folders.chosen(list(found), name, f"hub:{name}:{config or ''}/SPLIT")]
        yield from _records(found)


def _records(rows: Any) -> Iterator[Record | Skip]:
    number = 0
    for table in rows.with_format("arrow").iter(batch_size=BATCH_ROWS):
        yield from records(table, number)
        number += table.num_rows


def _refuse_strangers(name: str, described: Any) -> None:
    """Raises BadInput when a data set's description has its rows come from elsewhere: the library would fetch any
    address, and open any path of this machine."""
    listed = {getattr(one, "rfilename", "") for one in getattr(described, "siblings", None) or ()}
    card = getattr(described, "card_data", None)
    configs = (card.get("configs") if card is not None else None) or []
    named = [text for config in configs if isinstance(config, dict) for key in ("data_files", "data_dir")
             for text in texts_in(config.get(key))]  # fmt: skip
    strange = next((text for text in named if not is_in_repository(text)), None)
    if strange is not None or OWN_SETTINGS in listed:
        raise BadInput(
            f"The data set '{name}' has its rows come from {str(strange or OWN_SETTINGS)[:100]}, which is not one of "
            "its own files. Download what you need and import that file."
        )


def is_in_repository(pattern: str) -> bool:
    """Whether a pattern of files can only mean files of the repository that it stands in."""
    return not (
        "://" in pattern or "::" in pattern or "\\" in pattern or pattern.startswith(("/", "~"))
        or ".." in pattern.split("/") or re.match(r"[A-Za-z]:", pattern)
    )  # fmt: skip


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
