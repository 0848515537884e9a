"""Traces: what a teacher answered, browsed, labelled, repaired, graded and frozen into datasets."""

from studio.engine.traces.filters import TraceFilter
from studio.engine.traces.traces import Traces

__all__ = ["TraceFilter", "Traces"]
