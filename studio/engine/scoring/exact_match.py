"""Exact match: whether two texts end in the same final answer, and whether an answer ends in the known one."""

from studio.engine.domain.words import letter_words
from studio.engine.scoring.extraction import final_answer, final_of_kind, kind_of, option_of
from studio.engine.scoring.numbers import numbers_of, same_numbers, without_numbers
from studio.engine.scoring.score import Score


class ExactMatch:
    """1 when the answer ends in the known one, else 0; None where no answer is known."""

    name = "exact_match"

    def score(self, prompt: str, answer: str, known: str | None) -> Score:
        if known is None or not known.strip():
            return Score(None, "", "no answer is known")
        found, wanted = final_answer(answer), final_answer(known)
        if not found:
            return Score(0.0, "", "there is no final answer")
        if _same(found, wanted):
            return Score(1.0, found, "it is the known answer")
        return Score(0.0, found, f"the known answer is {wanted}")


EXACT_MATCH = ExactMatch()


def same_answer(a: str, b: str) -> bool:
    """Whether two texts end in the same answer.

    Numbers are compared as numbers ($1,000 = 1000 = 1000.0), several of them in order; words without regard to case; an
    option by its letter ('B' = 'B) 45'). A unit may be left out by one side, but two different units differ.
    """
    return _same(final_answer(a), final_answer(b))


def same_where_known(first: str, second: str, known: str) -> bool | None:
    """Whether two answers agree, where that can be told: None unless both end in an answer of the known one's kind.

    Two texts without a recognisable final answer say nothing about sameness, and a number that merely stands somewhere
    in one of them is no final answer.
    """
    kind = kind_of(known)
    one, other = final_of_kind(first, kind), final_of_kind(second, kind)
    if one is None or other is None:
        return None
    return _same(one, other)


def _same(one: str, other: str) -> bool:
    """The same for two final answers that are already taken out of their texts."""
    first, second = one.casefold(), other.casefold()
    if not first or not second:
        return False
    if first == second:
        return True
    return _same_option(first, second) or _same_value(first, second)


def _same_option(first: str, second: str) -> bool:
    """Whether both name the same option: by letter where both give one, else by what stands beside the letter."""
    one, other = option_of(first), option_of(second)
    if one is None and other is None:
        return False
    if one and other:
        return one[0] == other[0]
    (_, rest), plain = (one, second) if one else (other or ("", ""), first)
    return bool(rest) and (rest == plain or _same_value(rest, plain))


def _same_value(first: str, second: str) -> bool:
    """Whether the numbers agree and the words beside them do not contradict each other."""
    if not same_numbers(numbers_of(first), numbers_of(second)):
        return False
    words, others = (set(letter_words(without_numbers(text))) for text in (first, second))
    return words <= others or others <= words
