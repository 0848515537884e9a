"""Likeness of style: how much of one answer's wording stands in another, whatever the content is worth."""

from collections import Counter

from studio.engine.domain.words import unigrams


def unigram_f1(first: str, second: str) -> float:
    """Harmonic mean of the shares of words that each text finds in the other, between 0 and 1; case does not count.

    The unigram overlap of False Promise (arXiv 2305.15717), made symmetric.
    """
    one, two = (Counter(unigrams(text)) for text in (first, second))
    shared = sum((one & two).values())
    if not shared:
        return 1.0 if not one and not two else 0.0
    precision, recall = shared / sum(one.values()), shared / sum(two.values())
    return 2 * precision * recall / (precision + recall)
