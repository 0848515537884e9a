"""For what a hidden run asks: it is paid for, limited and kept like any run, and shown among nobody's runs."""

from enum import StrEnum


class Purpose(StrEnum):
    """The kind of a hidden run, by the word that the database keeps."""

    INVENT = "asking"
    """A teacher invents prompts; the word is older than the other purposes."""
    TRY = "try"
    """A teacher is tried out, with the studio's own question or with a person's."""
    CHAT = "chat"
    STUDY = "study"
    """A teacher is an arm of a study."""
    SCORE = "score"
    """A teacher's answers are measured beside a student's."""
    JUDGE = "judge"
