"""Shapes of a row: which of its columns hold the prompt, the system message and known answer. One file per shape."""

from studio.engine.prompts.shapes import alpaca, messages, sharegpt, tasks
from studio.engine.prompts.shapes.columns import FIELDS, Columns, guess, names_in, parse_map
from studio.engine.prompts.shapes.shape import Shape

SHAPES: dict[str, Shape] = {
    shape.name: shape for shape in (sharegpt.ShareGPT(), messages.Messages(), alpaca.Alpaca(), tasks.Tasks())
}
"""In the order in which they are tried on a file whose shape nobody named."""

__all__ = ["FIELDS", "SHAPES", "Columns", "Shape", "guess", "names_in", "parse_map"]
