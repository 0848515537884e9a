"""How a version of a dataset is written, and what reads like one."""

import pytest

from studio.engine.domain.dataset_version import DatasetVersion


@pytest.mark.parametrize(
    "version", [DatasetVersion("riddles", 1), DatasetVersion("a-v2", 13), DatasetVersion("题 v", 7)]
)
def test_what_is_written_is_read_again(version: DatasetVersion) -> None:
    assert DatasetVersion.parse(str(version)) == version


@pytest.mark.parametrize(
    "text", ["", "riddles", "riddles-v", "riddles-v0", "riddles-v01", "-v1", "r-v1x", f"r-v{'9' * 19}"]
)
def test_a_text_without_the_number_of_a_version_is_none(text: str) -> None:
    assert DatasetVersion.parse(text) is None


def test_versions_of_one_dataset_are_in_order_of_their_numbers() -> None:
    assert sorted([DatasetVersion("a", 10), DatasetVersion("a", 9)])[0] == DatasetVersion.parse("a-v9")
