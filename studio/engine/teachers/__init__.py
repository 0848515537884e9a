"""Teachers and collecting: whom to ask, what to ask for, how fast, and keeping every answer that was paid for."""

from studio.engine.teachers.roster import Teachers
from studio.engine.teachers.trying.trial import TestResult

__all__ = ["Teachers", "TestResult"]
