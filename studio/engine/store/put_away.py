"""Which rows are shown: not those that were put away, nor those in the bin. What is in the bin gives its name back."""

from typing import Any

from sqlalchemy import ColumnElement, and_
from sqlmodel import col

_MARK = "\x1f"
"""In no name that a person can give."""


def not_binned(table: Any) -> ColumnElement[bool]:
    """The condition of rows that a name finds."""
    return col(table.binned_at).is_(None)


def in_use(table: Any) -> ColumnElement[bool]:
    """The condition of rows that lists show."""
    return and_(col(table.archived_at).is_(None), col(table.binned_at).is_(None))


def binned_name(name: str, item_id: int) -> str:
    """What a thing in the bin is called in its table, so that another may take its name."""
    return f"{name}{_MARK}{item_id}"


def name_before(name: str) -> str:
    """What a thing was called before it was put into the bin; the name itself of all others."""
    return name.partition(_MARK)[0]
