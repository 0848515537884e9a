"""What an invention has kept so far, and whether a new prompt is too like any of it or of the seeds."""

from studio.engine.domain.words import rouge_tokens
from studio.engine.prompts.similarity import SimilarityIndex


class Pool:
    """Seeds and kept prompts. With a threshold, likeness is ROUGE-L; without, only the same words again are dropped."""

    def __init__(self, threshold: float | None) -> None:
        self._index = SimilarityIndex(threshold) if threshold else None
        self._exact: set[str] = set()
        self.kept: list[str] = []
        """The kept prompts that were invented, in the order they came."""

    def fault(self, text: str) -> str | None:
        if self._index is None:
            return "duplicate" if _words(text) in self._exact else None
        return "similar" if _words(text) in self._exact or self._index.match(text) else None

    def add(self, text: str, *, is_kept: bool = True) -> None:
        """Nothing like this text is to come again. Seeds, and prompts that came to nothing, are not kept ones."""
        self._exact.add(_words(text))
        if self._index is not None:
            self._index.add(text)
        if is_kept:
            self.kept.append(text)


def _words(text: str) -> str:
    return " ".join(rouge_tokens(text)) or text.casefold().strip()
