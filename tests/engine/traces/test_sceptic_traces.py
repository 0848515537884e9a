"""Names of runs and teachers that answers are brought in under."""

import pytest

from studio.engine.errors import BadInput
from studio.engine.traces.arriving import check_name


@pytest.mark.parametrize("name", ["", "x" * 101, "a\nb", "\x1b[31m", "\udcff", "a\x9bb", "a\u202eb", "a\0"])
def test_a_name_that_cannot_be_shown_or_kept_is_refused(name: str) -> None:
    with pytest.raises(BadInput):
        check_name("teacher", name)


@pytest.mark.parametrize("name", ["gpt-4", "老师 1", "Claude (2)"])
def test_a_name_in_any_script_is_taken(name: str) -> None:
    check_name("teacher", name)
