"""From a student to a GGUF file that answers offline, and the proof that it answers like the original."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from studio.engine.export.exporting import Exporting

__all__ = ["Exporting"]


def __getattr__(name: str) -> Any:
    """Loads the service when it is asked for: the child processes that convert and check need no database."""
    if name in __all__:
        from studio.engine.export import exporting

        return getattr(exporting, name)
    raise AttributeError(name)
