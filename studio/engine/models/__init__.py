"""The models of a project: bases, students and brought GGUF files, with what they are and where they came from."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from studio.engine.models.registry import Models
    from studio.engine.models.source import PRACTICE_BASE, ModelRef

__all__ = ["PRACTICE_BASE", "ModelRef", "Models"]


def __getattr__(name: str) -> Any:
    """Loads the registry when it is asked for: the child processes that run a model need no database."""
    if name == "Models":
        from studio.engine.models.registry import Models

        return Models
    if name in __all__:
        from studio.engine.models import source

        return getattr(source, name)
    raise AttributeError(name)
