"""Which cleaning rules there are, which of them are on, and with what limits."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from studio.engine.errors import BadInput
from studio.engine.prompts.token_counts import TURN_TOKENS
from studio.engine.store import Addresses

HTML, LEADING, TRAILING, ALTERNATE = "html", "leading", "trailing", "alternate"
RATE_LIMIT, PARSER_ERROR, SHORT, PROVIDER = "rate-limit", "parser-error", "short", "provider"
LANGUAGE, SAME_ID, SAME_OPENING, SPLIT, TOO_LONG = "language", "same-id", "same-opening", "split", "too-long"

RULES: dict[str, str] = {
    HTML: "turns turned from HTML into markdown",
    SAME_ID: "conversations left out for an id seen before",
    LEADING: "conversations whose turns before the first question were trimmed",
    TRAILING: "conversations whose last question, which nobody answered, was trimmed",
    ALTERNATE: "conversations left out because their turns do not alternate",
    RATE_LIMIT: "conversations left out for a rate-limit notice",
    PARSER_ERROR: "conversations left out for an error message in place of an answer",
    SHORT: "conversations left out for an answer of fewer than 16 characters",
    PROVIDER: "conversations left out because an answer names its provider",
    LANGUAGE: "conversations left out for their language",
    SAME_OPENING: "conversations left out for a first exchange seen before",
    SPLIT: "conversations split to fit the student's context",
    TOO_LONG: "exchanges left out because one alone does not fit",
}
"""Every rule in the order in which they act, and what its count says."""
SHORTEST_ANSWER = 16
"""Characters."""


@dataclass(frozen=True)
class Rules:
    """All rules hold but those in `off`; for languages and length something to keep to must be given too."""

    off: frozenset[str] = frozenset()
    languages: tuple[str, ...] = ()
    """ISO 639-1 codes of the languages that are kept; none given, all are."""
    max_tokens: int | None = None
    tokenizer: Path | None = None
    """The folder of the student's tokenizer, by which `max_tokens` is counted."""

    def has(self, rule: str) -> bool:
        if rule == LANGUAGE:
            return bool(self.languages) and rule not in self.off
        if rule in (SPLIT, TOO_LONG):
            return self.max_tokens is not None and SPLIT not in self.off
        return rule not in self.off

    def check(self) -> None:
        """Raises `BadInput` for rules that cannot be followed."""
        unknown = sorted(self.off - RULES.keys())
        if unknown:
            raise BadInput(f"There is no cleaning rule '{unknown[0]}'. The rules are: {', '.join(RULES)}.")
        if self.max_tokens is None:
            return
        if self.tokenizer is None:
            raise BadInput("Tokens are counted by a tokenizer. Name the student's: a model, or a folder that has one.")
        if self.max_tokens < 4 * TURN_TOKENS:
            raise BadInput(f"No exchange fits into {self.max_tokens} tokens. Give at least {4 * TURN_TOKENS}.")

    def as_dict(self) -> dict[str, object]:
        """What a source or a run keeps of how it was cleaned."""
        return {
            "off": sorted(self.off),
            "languages": list(self.languages),
            "max_tokens": self.max_tokens,
            "tokenizer": self.tokenizer.name if self.tokenizer else None,
        }

    def as_payload(self, addresses: Addresses) -> dict[str, Any]:
        """The same for a job, which needs to find the tokenizer."""
        return {**self.as_dict(), "tokenizer": addresses.kept(self.tokenizer) if self.tokenizer else None}

    @classmethod
    def of_payload(cls, kept: dict[str, Any], addresses: Addresses) -> Self:
        folder = addresses.found(kept["tokenizer"]) if kept["tokenizer"] else None
        return cls(frozenset(kept["off"]), tuple(kept["languages"]), kept["max_tokens"], folder)


def parse_languages(text: str) -> tuple[str, ...]:
    """`en,zh` as codes. Raises `BadInput` for what is no code."""
    codes = tuple(dict.fromkeys(part.strip().lower().partition("-")[0] for part in text.split(",") if part.strip()))
    for code in codes:
        if not re.fullmatch(r"[a-z]{2,3}", code):
            raise BadInput(f"'{code}' is no language code. Write codes as in en,zh.")
    return codes


def parse_rules(text: str) -> frozenset[str]:
    """Names of rules with commas between. Raises `BadInput` for an unknown one."""
    return frozenset(part.strip() for part in text.split(",") if part.strip())
