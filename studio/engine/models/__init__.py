"""The models of a project: bases, students and brought GGUF files, with what they are and where they came from."""

from studio.engine.models.registry import Models
from studio.engine.models.source import PRACTICE_BASE, ModelRef

__all__ = ["PRACTICE_BASE", "ModelRef", "Models"]
