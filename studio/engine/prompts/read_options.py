"""How a file is read that somebody brings in, as a command or a page gives it and as a job keeps it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from studio.engine.prompts import importing
from studio.engine.prompts.cleaning import Rules
from studio.engine.store import Addresses


@dataclass(frozen=True, kw_only=True)
class ReadOptions:
    """The format, which column each field is taken from, and how conversations are cleaned, if they are."""

    format: str = importing.AUTO
    mapping: dict[str, str] | None = None
    rules: Rules | None = None

    def check(self, path: Path) -> None:
        """Raises `BadInput` for what the first rows tell."""
        importing.settle(path, self.format, self.mapping, rules=self.rules)

    def as_payload(self, addresses: Addresses) -> dict[str, Any]:
        rules = self.rules.as_payload(addresses) if self.rules else None
        return {"format": self.format, "mapping": self.mapping, "rules": rules}

    @classmethod
    def of_payload(cls, payload: dict[str, Any], addresses: Addresses) -> Self:
        rules = Rules.of_payload(payload["rules"], addresses) if payload["rules"] else None
        return cls(format=payload["format"], mapping=payload["mapping"], rules=rules)
