"""Trying teachers before anything is spent on a collection: one question, or a matrix of them."""

from studio.engine.teachers.trying.matrix import MOST_CELLS, Cell, check_size, matrix_cost, try_matrix, typed_prompt

__all__ = ["MOST_CELLS", "Cell", "check_size", "matrix_cost", "try_matrix", "typed_prompt"]
