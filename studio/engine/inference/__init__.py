"""Answers from anything that can be asked: students and bases, GGUF files and teachers, all over one HTTP protocol."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from studio.engine.inference.inference import Inference
    from studio.engine.inference.responder import Reply, Responder

__all__ = ["Inference", "Reply", "Responder"]


def __getattr__(name: str) -> Any:
    """Loads a service when it is asked for: the child processes that serve a model need no database."""
    if name == "Inference":
        from studio.engine.inference import inference

        return inference.Inference
    if name in __all__:
        from studio.engine.inference import responder

        return getattr(responder, name)
    raise AttributeError(name)
