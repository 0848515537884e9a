"""Training: a recipe becomes stages, conversations become masked and packed tokens, and a base becomes a student.

Only `launch` and what it imports load torch, and only in child processes.
"""

from typing import TYPE_CHECKING

from studio.engine.faces import on_demand

if TYPE_CHECKING:
    from studio.engine.training.estimate import Estimate
    from studio.engine.training.overview import TrainingOverview
    from studio.engine.training.recipe import Recipe
    from studio.engine.training.training import Training

__all__ = ["Estimate", "Recipe", "Training", "TrainingOverview"]

__getattr__ = on_demand(
    __name__,
    {
        "estimate": ("Estimate",),
        "overview": ("TrainingOverview",),
        "recipe": ("Recipe",),
        "training": ("Training",),
    },
)
