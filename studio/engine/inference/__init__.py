"""Opens by name what can be asked, a model of the project or a teacher, and talks to it over one HTTP protocol."""

from typing import TYPE_CHECKING

from studio.engine.faces import on_demand

if TYPE_CHECKING:
    from studio.engine.inference.inference import Inference
    from studio.engine.inference.responder import Reply, Responder

__all__ = ["Inference", "Reply", "Responder"]

__getattr__ = on_demand(
    __name__,
    {
        "inference": ("Inference",),
        "responder": ("Reply", "Responder"),
    },
)
