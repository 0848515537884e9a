"""Answers from anything that can be asked: students and bases, GGUF files and teachers, all over one HTTP protocol."""

from studio.engine.inference.inference import Inference
from studio.engine.inference.responder import Reply, Responder

__all__ = ["Inference", "Reply", "Responder"]
