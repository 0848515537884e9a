"""How columns are declared: identities, references, long texts, JSON values and times."""

import time
from typing import Any

from sqlalchemy import JSON, BigInteger, Integer, Text
from sqlmodel import Field

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


def now() -> Any:
    return Field(default_factory=time.time)
