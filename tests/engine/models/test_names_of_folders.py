"""A model is a folder, also of a backup that is opened on another system: its name must be one on each."""

from pathlib import Path

import pytest

from studio.engine.domain.names import checked_model_name
from studio.engine.errors import BadInput, NameTaken
from studio.engine.studio import Studio


@pytest.mark.parametrize("name", ["CON", "nul.txt", "Aux", "prn", "com1", "LPT9.gguf", "con.tar.gz"])
def test_no_model_is_named_like_a_device_of_windows(name: str) -> None:
    with pytest.raises(BadInput, match="Windows keeps"):
        checked_model_name(name)


@pytest.mark.parametrize("name", ["console", "com10", "nul-1", "a.con", "lpt"])
def test_what_only_looks_like_one_is_taken(name: str) -> None:
    assert checked_model_name(name) == name


def test_models_differ_in_more_than_their_case(studio: Studio, tiny: Path) -> None:
    studio.models.import_model(str(tiny), "Kid")
    studio.models.import_model(str(tiny), "other")
    for call in (
        lambda: studio.models.import_model(str(tiny), "kid"),
        lambda: studio.models.check_import(str(tiny), "KID"),
        lambda: studio.models.register_student("kiD", parent="other"),
        lambda: studio.bin.rename("model", "other", "kid"),
    ):
        with pytest.raises(NameTaken, match="already a model named 'Kid'"):
            call()
    with pytest.raises(NameTaken):
        studio.models.import_model(str(tiny), "Practice-Base")
    assert studio.bin.rename("model", "Kid", "kid") == "kid"
    with pytest.raises(NameTaken):
        studio.models.register_student("KID", parent="other")


def test_a_folder_that_a_renamed_model_kept_is_nobody_elses_in_any_case(studio: Studio, tiny: Path) -> None:
    studio.models.import_model(str(tiny), "first")
    studio.bin.rename("model", "first", "second")
    studio.models.import_model(str(tiny), "third")
    with pytest.raises(NameTaken, match="what the model 'second' was called before"):
        studio.models.import_model(str(tiny), "First")
    with pytest.raises(NameTaken, match="was called"):
        studio.bin.rename("model", "third", "FIRST")


def test_a_model_in_the_bin_keeps_its_name_in_any_case(studio: Studio, tiny: Path) -> None:
    studio.models.import_model(str(tiny), "Kid")
    studio.bin.delete("model", "Kid")
    with pytest.raises(NameTaken, match="The model 'Kid' is in the bin"):
        studio.models.import_model(str(tiny), "kid")
