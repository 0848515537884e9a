"""Evaluation: blind studies between two sets of answers, the votes on them, and what the votes say."""

from typing import TYPE_CHECKING

from studio.engine.faces import on_demand

if TYPE_CHECKING:
    from studio.engine.evaluation.defining import parameters_of
    from studio.engine.evaluation.reach import Reach, reach_of
    from studio.engine.evaluation.statistics import VOTES_NEEDED, Interval
    from studio.engine.evaluation.studies import Studies, StudySummary, project_of_link
    from studio.engine.evaluation.votes import JUDGED

__all__ = [
    "JUDGED",
    "VOTES_NEEDED",
    "Interval",
    "Reach",
    "Studies",
    "StudySummary",
    "parameters_of",
    "project_of_link",
    "reach_of",
]

__getattr__ = on_demand(
    __name__,
    {
        "defining": ("parameters_of",),
        "reach": ("Reach", "reach_of"),
        "statistics": ("Interval", "VOTES_NEEDED"),
        "studies": ("Studies", "StudySummary", "project_of_link"),
        "votes": ("JUDGED",),
    },
)
