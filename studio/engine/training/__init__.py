"""Training: a recipe becomes stages, conversations become masked and packed tokens, and a base becomes a student.

Only `launch` and what it imports load torch, and only in child processes.
"""

from studio.engine.training.recipe import Recipe, read_recipe, read_recipe_text
from studio.engine.training.training import Training

__all__ = ["Recipe", "Training", "read_recipe", "read_recipe_text"]
