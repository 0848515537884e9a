"""Shapes of a row: which of its columns hold the prompt, the system message and the answer. One file per shape."""

from studio.engine.prompts.shapes import alpaca, dolly, messages, oasst, openorca, paired, provider, sharegpt, tasks
from studio.engine.prompts.shapes.columns import ANSWER_FIELDS, FIELDS, Columns, guess, names_in, parse_map
from studio.engine.prompts.shapes.shape import Conversations, Shape

__all__ = ["ANSWER_FIELDS", "FIELDS", "Columns", "Conversations", "Shape", "guess", "names_in", "parse_map"]


SHAPES: dict[str, Shape] = {
    shape.name: shape
    for shape in (
        provider.Provider(),
        sharegpt.ShareGPT(),
        messages.Messages(),
        paired.Paired(),
        oasst.Oasst(),
        alpaca.Alpaca(),
        dolly.Dolly(),
        openorca.OpenOrca(),
        tasks.Tasks(),
    )
}


"""In the order in which they are tried on a file whose shape nobody named."""
