"""The practice world: problems with answers that are right by construction, a teacher that solves them, and the text a
small base model is pre-trained on. It stands on nothing else in the studio, so the whole loop can run offline."""

from typing import TYPE_CHECKING

from studio.engine.faces import on_demand

if TYPE_CHECKING:
    from studio.engine.practice.protocol import AskedQuestion, chat_app
    from studio.engine.practice.refusal import Refusal
    from studio.engine.practice.server import serve_practice
    from studio.engine.practice.serving import HOST, KEPT_OPEN, bind, serve
    from studio.engine.practice.voices import PRACTICE_MODELS
    from studio.engine.practice.world import STANDARD_LEVEL, WordedProblem, ask

__all__ = [
    "HOST",
    "KEPT_OPEN",
    "PRACTICE_MODELS",
    "STANDARD_LEVEL",
    "AskedQuestion",
    "Refusal",
    "WordedProblem",
    "ask",
    "bind",
    "chat_app",
    "serve",
    "serve_practice",
]

__getattr__ = on_demand(
    __name__,
    {
        "protocol": ("AskedQuestion", "chat_app"),
        "refusal": ("Refusal",),
        "server": ("serve_practice",),
        "serving": ("HOST", "KEPT_OPEN", "bind", "serve"),
        "voices": ("PRACTICE_MODELS",),
        "world": ("STANDARD_LEVEL", "WordedProblem", "ask"),
    },
)
