"""Mixtures: sources of prompts sampled from collections with exact quotas, the same for the same seed."""

from studio.engine.prompts.mixtures.mixture import ALGORITHMS, NO_MESSAGE, STRATIFIED, Collection, Mixture
from studio.engine.prompts.mixtures.mixture_file import MAX_BYTES, from_value, read, read_file
from studio.engine.prompts.mixtures.mixtures import Mixtures
from studio.engine.prompts.mixtures.outcome import CollectionOutcome, Outcome, TaskOutcome
from studio.engine.prompts.mixtures.shipped import Shipped

__all__ = [
    "ALGORITHMS",
    "MAX_BYTES",
    "NO_MESSAGE",
    "STRATIFIED",
    "Collection",
    "CollectionOutcome",
    "Mixture",
    "Mixtures",
    "Outcome",
    "Shipped",
    "TaskOutcome",
    "from_value",
    "read",
    "read_file",
]
