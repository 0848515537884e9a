"""Numbers as people write them in answers: signs, thousands, decimals, fractions, percentages and words of scale."""

import re
from dataclasses import dataclass
from fractions import Fraction

NUMBER = re.compile(
    r"""(?<![\w.])(?P<sign>-\s?(?=[$€£¥]?\s?[\d.]))?[$€£¥]?[ ]?(?P<inner>-)?
    (?:(?P<whole>\d+)[ ](?=\d+/\d))?
    (?P<digits>\d{1,3}(?:,\d{3})+(?!\d)(?:\.\d+)?|\d+(?:\.\d+)?|\.\d+)
    (?:/(?P<under>\d+(?:\.\d+)?)|e(?P<power>[+-]?\d{1,3})\b)?
    (?:\s?(?P<percent>%)|\s(?P<scale>thousand|million|billion|trillion)\b)?""",
    re.X | re.I,
)
_SCALES = {"thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12}
_LONGEST = 400
"""Digits after which a run of digits is noise (a model caught in a loop) and is compared as its first ones."""
CLOSE = Fraction(1, 10**9)
"""Relative difference under which two numbers with decimals are the same: rounding of a float's printed digits."""


@dataclass(frozen=True)
class Number:
    value: Fraction
    percent: bool = False


def numbers_of(text: str) -> list[list[Number]]:
    """The numbers of a text in order, in each way it can be read: '100,200' is one number or a list of two."""
    readings = [[_number(match) for match in NUMBER.finditer(text)]]
    if re.search(r"\d,\d", text):
        apart = re.sub(r"(?<=\d),(?=\d)", ", ", text)
        readings.append([_number(match) for match in NUMBER.finditer(apart)])
    return readings


def same_numbers(first: list[list[Number]], second: list[list[Number]]) -> bool:
    """Whether some reading of one is some reading of the other: as many numbers, at least one, equal in order."""
    return any(len(one) == len(other) > 0 and all(map(_equal, one, other)) for one in first for other in second)


def without_numbers(text: str) -> str:
    return NUMBER.sub(" ", text)


def _number(match: re.Match[str]) -> Number:
    value = _fraction(match["digits"])
    if match["under"] and _fraction(match["under"]):
        value /= _fraction(match["under"])
    if match["power"]:
        value *= Fraction(10) ** int(match["power"])
    value += _fraction(match["whole"] or "0")
    value *= _SCALES.get((match["scale"] or "").lower(), 1)
    return Number(-value if match["sign"] or match["inner"] else value, bool(match["percent"]))


def _fraction(digits: str) -> Fraction:
    return Fraction(digits.replace(",", "")[:_LONGEST].rstrip(".") or "0")


def _equal(one: Number, other: Number) -> bool:
    """50 % is 50 and also 0.5: a known answer is written either way."""
    if _close(one.value, other.value):
        return True
    if one.percent == other.percent:
        return False
    share, plain = (one, other) if one.percent else (other, one)
    return _close(share.value / 100, plain.value)


def _close(one: Fraction, other: Fraction) -> bool:
    if one == other:
        return True
    if one.denominator == other.denominator == 1:
        return False
    return abs(one - other) <= CLOSE * max(abs(one), abs(other))
