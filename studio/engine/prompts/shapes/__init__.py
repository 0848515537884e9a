"""Shapes of a row: which of its columns hold the prompt, the system message and the answer. One file per shape."""

from studio.engine.prompts.shapes import alpaca, dolly, messages, oasst, openorca, provider, sharegpt, tasks
from studio.engine.prompts.shapes.columns import FIELDS, Columns, guess, names_in, parse_map
from studio.engine.prompts.shapes.shape import Conversations, Shape

SHAPES: dict[str, Shape] = {
    shape.name: shape
    for shape in (
        provider.Provider(), sharegpt.ShareGPT(), messages.Messages(), oasst.Oasst(), alpaca.Alpaca(), dolly.Dolly(),
        openorca.OpenOrca(), tasks.Tasks(),
    )
}  # fmt: skip
"""In the order in which they are tried on a file whose shape nobody named."""

__all__ = ["FIELDS", "SHAPES", "Columns", "Conversations", "Shape", "guess", "names_in", "parse_map"]
