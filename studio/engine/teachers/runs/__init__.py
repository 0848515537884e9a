"""Collecting a run: what it wants, how it is asked, how answers are kept, and how it ends."""

from studio.engine.teachers.runs.progress import RunProgress, Waiting, is_broken_off, state_now
from studio.engine.teachers.runs.project_budget import ProjectMoney
from studio.engine.teachers.runs.sample import SAMPLE_SIZE, asking_like, is_part

__all__ = [
    "SAMPLE_SIZE",
    "ProjectMoney",
    "RunProgress",
    "Waiting",
    "asking_like",
    "is_broken_off",
    "is_part",
    "state_now",
]
