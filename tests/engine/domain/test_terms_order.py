"""What teachers' terms allow: the words that are taken, and which of several counts."""

from itertools import permutations

import pytest

from studio.engine.domain.terms import Terms, strictest
from studio.engine.errors import BadInput


@pytest.mark.parametrize("word", ["yes", "no", "research", "unknown"])
def test_the_words_of_the_database_are_taken_and_kept(word: str) -> None:
    assert Terms.checked(word) == Terms.recorded(word) == word == str(Terms(word))


@pytest.mark.parametrize("word", ["", "maybe", "Yes"])
def test_another_word_is_refused_from_a_person_and_unknown_in_a_row(word: str) -> None:
    with pytest.raises(BadInput, match="Terms are yes, no, research, unknown, not"):
        Terms.checked(word)
    assert Terms.recorded(word) is Terms.recorded(None) is Terms.UNKNOWN


def test_what_allows_least_counts_in_any_order() -> None:
    ordered = ["no", "research", "unknown", "yes"]
    for start in range(4):
        for words in permutations(ordered[start:]):
            assert strictest(*words) == ordered[start]
    assert strictest("yes", "whatever") is Terms.UNKNOWN


def test_a_card_has_a_sentence_for_each() -> None:
    assert len({terms.sentence for terms in Terms}) == 4
