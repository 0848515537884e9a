"""How columns are declared: identities, references, long texts, JSON values, states and times."""

import time
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, BigInteger, Dialect, Integer, String, Text, TypeDecorator
from sqlmodel import Field

from studio.engine.domain.terms import Terms

Id = BigInteger().with_variant(Integer, "sqlite")


def identity() -> Any:
    return Field(default=None, primary_key=True, sa_type=Id)


def reference(table: str, **options: Any) -> Any:
    return Field(foreign_key=f"{table}.id", sa_type=Id, **options)


def long_text(default: str | None = "") -> Any:
    return Field(default=default, sa_type=Text)


def large_sum() -> Any:
    """A sum over millions of rows, such as their tokens, which a 32-bit column does not hold."""
    return Field(default=0, sa_type=Id)


def json_value(factory: type = dict) -> Any:
    return Field(default_factory=factory, sa_type=JSON)


class _StateColumn(TypeDecorator[StrEnum]):
    """A state as its word in the table and as its type in Python; a word that is none of them reads as `UNKNOWN` where
    there is such a state."""

    impl = String
    cache_ok = True

    def __init__(self, states: type[StrEnum]) -> None:
        super().__init__()
        self.states = states
        self.unknown = states.__members__.get("UNKNOWN")

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        if value is None:
            return None
        state = self.states(value)
        if state is self.unknown:
            raise ValueError(f"'{state}' stands for words that are not known here, and is not written")
        return state.value

    def process_result_value(self, value: Any, dialect: Dialect) -> StrEnum | None:
        if value is None or self.unknown is None:
            return None if value is None else self.states(value)
        return next((state for state in self.states if state.value == value), self.unknown)


def state(first: StrEnum) -> Any:
    """A state of one of the enums of states; a word that is none of them is refused on the way in, and on the way
    out unless one of them is `UNKNOWN`."""
    return Field(default=first, sa_type=_StateColumn(type(first)))  # type: ignore[call-overload]


class _TermsColumn(TypeDecorator[Terms]):
    """Terms as their word in the table; a word that is none of them reads as unknown terms."""

    impl = String
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        return None if value is None else str(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> Terms | None:
        return Terms.recorded(value)


def terms() -> Any:
    return Field(default=Terms.UNKNOWN, sa_type=_TermsColumn)


def now() -> Any:
    return Field(default_factory=time.time)
