"""May a teacher's outputs train other models? The four answers that are recorded, and which allows less than which."""

from enum import StrEnum
from typing import Self

from studio.engine.errors import BadInput


class Terms(StrEnum):
    """By the words that the database keeps, in the order in which they are offered."""

    YES = "yes"
    NO = "no"
    RESEARCH = "research"
    """For research alone."""
    UNKNOWN = "unknown"

    @classmethod
    def checked(cls, word: str) -> Self:
        """What somebody says of a teacher. Raises BadInput for a word that is none of them."""
        try:
            return cls(word)
        except ValueError:
            raise BadInput(f"May the answers train other models? Terms are {', '.join(cls)}, not '{word}'.") from None

    @classmethod
    def recorded(cls, word: str | None) -> "Terms":
        """What a row says; a word that is none of them says as little as no word."""
        try:
            return cls(word or Terms.UNKNOWN)
        except ValueError:
            return Terms.UNKNOWN

    @property
    def sentence(self) -> str:
        """As a model card says it of a teacher."""
        return _SENTENCES[self]


STRICTEST_FIRST = (Terms.NO, Terms.RESEARCH, Terms.UNKNOWN, Terms.YES)
_SENTENCES = {
    Terms.YES: "its terms permit training other models on its answers",
    Terms.NO: "its terms forbid training other models on its answers",
    Terms.RESEARCH: "its terms permit training other models on its answers for research only",
    Terms.UNKNOWN: "whether its terms permit training other models on its answers is not known",
}


def strictest(*words: str) -> Terms:
    """Of several terms the one that allows least; what is not known counts as less than a yes."""
    return min(map(Terms.recorded, words), key=STRICTEST_FIRST.index)
