"""Arrow files, folders of the `datasets` library and its hub become prompts; no code of a data set is ever run."""

from pathlib import Path
from typing import Any

import datasets
import httpx
import pyarrow as pa
import pytest

from studio.engine.errors import BadInput
from studio.engine.prompts import Prompts, importing
from studio.engine.prompts.files import arrow, data_sets

ROWS = [{"instruction": f"Do {n}", "context": "", "response": f"Done {n}", "category": "x"} for n in range(5)]


@pytest.fixture(autouse=True, scope="module")
def _quiet() -> None:
    datasets.disable_progress_bars()


@pytest.fixture
def whole() -> datasets.Dataset:
    return datasets.Dataset.from_list(ROWS)


def texts(prompts: Prompts, path: Path | str) -> list[str]:
    prompts.import_file(Path(path), "new")
    return [prompt.text for prompt in prompts.iterate("new")]


def test_a_saved_folder_is_read_in_its_own_order(prompts: Prompts, whole: datasets.Dataset, tmp_path: Path) -> None:
    whole.select([4, 0, 2]).save_to_disk(str(tmp_path / "one"))
    assert texts(prompts, tmp_path / "one") == ["Do 4", "Do 0", "Do 2"]
    assert prompts.source("new").detail["format"] == "dolly"


def test_of_several_splits_the_training_split_is_read_unless_another_is_named(
    prompts: Prompts, whole: datasets.Dataset, tmp_path: Path
) -> None:
    datasets.DatasetDict(test=whole.select([1]), train=whole).save_to_disk(str(tmp_path / "both"))
    assert len(texts(prompts, tmp_path / "both")) == 5
    prompts.delete("new")
    assert texts(prompts, tmp_path / "both" / "test") == ["Do 1"]
    datasets.DatasetDict(a=whole, b=whole).save_to_disk(str(tmp_path / "odd"))
    with pytest.raises(BadInput, match=r"has the splits a, b. Name one"):
        prompts.import_file(tmp_path / "odd", "odd")


def test_a_folder_of_data_files_is_read(prompts: Prompts, whole: datasets.Dataset, tmp_path: Path) -> None:
    (tmp_path / "files").mkdir()
    whole.to_parquet(str(tmp_path / "files" / "train.parquet"))
    assert texts(prompts, tmp_path / "files") == [f"Do {n}" for n in range(5)]


def test_pictures_are_not_decoded(prompts: Prompts, tmp_path: Path) -> None:
    features = datasets.Features({"prompt": datasets.Value("string"), "picture": datasets.Image()})
    rows = {"prompt": ["What is it?"], "picture": [{"bytes": b"no picture at all", "path": None}]}
    datasets.Dataset.from_dict(rows, features=features).save_to_disk(str(tmp_path / "pictures"))
    assert texts(prompts, tmp_path / "pictures") == ["What is it?"]


@pytest.mark.parametrize("form", ["file", "stream"])
def test_arrow_files_and_streams_are_known_by_their_first_bytes(
    prompts: Prompts, tmp_path: Path, form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(arrow, "SLICE_ROWS", 2)
    table = pa.Table.from_pylist(ROWS)
    new = pa.ipc.new_file if form == "file" else pa.ipc.new_stream
    with new(tmp_path / "rows", table.schema) as writer:
        writer.write_table(table)
    assert texts(prompts, tmp_path / "rows") == [f"Do {n}" for n in range(5)]


def test_a_damaged_arrow_file_is_one_sentence(prompts: Prompts, tmp_path: Path) -> None:
    for name, data in (("a.arrow", b"ARROW1 and nothing"), ("b.arrow", b"\xff\xff\xff\xff\x10\0\0\0rest")):
        (tmp_path / name).write_bytes(data)
        with pytest.raises(BadInput, match="is not an Arrow file that can be read") as caught:
            prompts.import_file(tmp_path / name, "new")
        assert "\n" not in caught.value.message


def test_a_loading_script_is_never_run(prompts: Prompts, tmp_path: Path) -> None:
    (tmp_path / "scripted").mkdir()
    (tmp_path / "scripted" / "scripted.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\nraise SystemExit")
    with pytest.raises(BadInput, match=r"holds a loading script. The studio runs no code"):
        prompts.import_file(tmp_path / "scripted", "new")
    assert not (tmp_path / "ran").exists()


def test_a_damaged_folder_is_one_sentence(prompts: Prompts, whole: datasets.Dataset, tmp_path: Path) -> None:
    whole.save_to_disk(str(tmp_path / "one"))
    (tmp_path / "one" / "state.json").write_text("{")
    with pytest.raises(BadInput, match=r"The data set in .* cannot be read") as caught:
        prompts.import_file(tmp_path / "one", "new")
    assert "\n" not in caught.value.message
    assert prompts.sources() == []


# --- the hub


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, whole: datasets.Dataset) -> list[tuple[Any, ...]]:
    """A hub that has every data set, with two splits. Returns what it was asked for."""
    asked: list[tuple[Any, ...]] = []

    def load(name: str, config: str | None, *, split: str | None, streaming: bool) -> Any:
        asked.append((name, config, split, streaming))
        splits = {"test": whole.select([1]), "train": whole}
        streams = {key: one.to_iterable_dataset() for key, one in splits.items()}
        return streams[split] if split else datasets.IterableDatasetDict(streams)

    monkeypatch.setattr(datasets, "load_dataset", load)
    monkeypatch.setattr("huggingface_hub.HfApi.dataset_info", lambda self, name, timeout: None)
    monkeypatch.setitem(importing.READERS, "hub", data_sets.hub_rows)  # Not in a child, where no stand-in would be.
    return asked


def test_the_hub_is_streamed_by_name_configuration_and_split(prompts: Prompts, hub: list[tuple[Any, ...]]) -> None:
    assert texts(prompts, "hub:owner/name:plain/test") == ["Do 1"]
    assert set(hub) == {("owner/name", "plain", "test", True)}
    assert prompts.source("new").detail["file"] == "hub:owner/name:plain/test"
    prompts.delete("new")
    assert len(texts(prompts, "hub:owner/name")) == 5


@pytest.mark.parametrize("name", ["hub:", "hub:a/b/c", "hub:a b", "hub:a:b:c", "hub:https://x/y", "hub:..", "hub:.",
                                  "hub:../..", "hub:a/..", "hub:../a", "hub:a..b", "hub:.hidden", "hub:a/.b",
                                  "hub:..:main/test"])  # fmt: skip
def test_what_is_no_name_on_the_hub_is_refused(prompts: Prompts, name: str) -> None:
    with pytest.raises(BadInput, match="is not hub:OWNER/NAME"):
        prompts.import_file(Path(name), "new")


def test_a_folder_of_that_name_is_not_read_in_place_of_the_hub(
    prompts: Prompts, hub: list[tuple[Any, ...]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "owner" / "name").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(BadInput, match="There is something named 'owner/name'"):
        prompts.import_file(Path("hub:owner/name"), "new")
    assert hub == []


def test_a_hub_that_cannot_be_reached_is_one_sentence(prompts: Prompts, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: object, name: str, timeout: float) -> None:
        raise httpx.ConnectError("[Errno -2] Name or service not known\nand more")

    monkeypatch.setattr("huggingface_hub.HfApi.dataset_info", refuse)
    monkeypatch.setitem(importing.READERS, "hub", data_sets.hub_rows)
    with pytest.raises(BadInput, match=r"'owner/name' cannot be had from the hub .*not known") as caught:
        prompts.import_file(Path("hub:owner/name"), "new")
    assert "\n" not in caught.value.message


def test_a_name_keeps_its_parts() -> None:
    assert data_sets.hub_name(Path("hub:gsm8k")) == ("gsm8k", None, None)
    assert data_sets.hub_name(Path("hub:a/b:main")) == ("a/b", "main", None)
    assert data_sets.hub_name(Path("hub:a/b:main/test")) == ("a/b", "main", "test")
