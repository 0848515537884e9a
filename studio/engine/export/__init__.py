"""From a student to a GGUF file that answers offline, and the proof that it answers like the original."""

from studio.engine.export.exporting import Exporting

__all__ = ["Exporting"]
