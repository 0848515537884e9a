"""Every scorer by its name: what grades, chooses and compares asks for the one it was told of."""

from collections.abc import Mapping

from studio.engine.errors import BadInput
from studio.engine.scoring.exact_match import EXACT_MATCH
from studio.engine.scoring.score import Scorer

SCORERS: Mapping[str, Scorer] = {one.name: one for one in (EXACT_MATCH,)}


def scorer_named(name: str) -> Scorer:
    """Raises BadInput, with the names that there are."""
    if name not in SCORERS:
        raise BadInput(f"There is no scorer '{name}'. Choose one of: {', '.join(SCORERS)}.")
    return SCORERS[name]
