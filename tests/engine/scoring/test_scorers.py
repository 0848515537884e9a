"""A scorer is asked for by its name, and gives each answer a score with its reason."""

import pytest

from studio.engine.errors import BadInput
from studio.engine.scoring import SCORERS, scorer_named


@pytest.mark.parametrize("name", list(SCORERS))
def test_every_scorer_has_its_name_and_measures_nothing_without_a_known_answer(name: str) -> None:
    scorer = scorer_named(name)
    assert scorer.name == name
    assert scorer.score("What is 1 + 1?", "The answer is 2.", None).value is None
    assert scorer.score("What is 1 + 1?", "The answer is 2.", "2").value == 1


def test_a_name_that_is_none_is_answered_with_those_that_there_are() -> None:
    with pytest.raises(BadInput, match="Choose one of: exact_match"):
        scorer_named("vibes")
