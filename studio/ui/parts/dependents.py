"""What depends on a thing, in words: before it is deleted, and beside what is in the bin."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from studio.ui.text import Texts

if TYPE_CHECKING:
    from studio.engine.bin import Deleted, Dependent


def depending(t: Texts, depends: "Sequence[Dependent]") -> str:
    """In words, with the names of the first few."""
    return t("list.and").join(
        t(f"bin.depends.{one.kind.replace(' ', '_')}", n=one.count)
        + (f" ({', '.join(one.names)})" if one.names else "")
        for one in depends
    )


def question(t: Texts, found: "Deleted", after: str) -> str:
    """Whether to delete it, with what depends on it; `after` says what becomes of it."""
    depends = (
        t("things.ask.depends", depends=depending(t, found.depends))
        if found.depends
        else t("things.free", name=found.name)
    )
    return t.joined(t("things.ask", name=found.name), depends, after)
