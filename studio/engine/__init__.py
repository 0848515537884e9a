"""The engine: everything the studio can do, without a page. `open_studio` is the way in."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from studio.engine.studio import Studio, open_studio

__all__ = ["Studio", "open_studio"]


def __getattr__(name: str) -> Any:
    """Loads the bundle when it is asked for, so that a child process that needs one room does not load them all."""
    if name in __all__:
        from studio.engine import studio

        return getattr(studio, name)
    raise AttributeError(name)
