"""Mixtures: sources of prompts sampled from collections with exact quotas, the same for the same seed."""

from studio.engine.prompts.mixtures.mixture import ALGORITHMS, Collection, Mixture
from studio.engine.prompts.mixtures.outcome import CollectionOutcome, Outcome, TaskOutcome
from studio.engine.prompts.mixtures.reading import read, read_file
from studio.engine.prompts.mixtures.service import Mixtures
from studio.engine.prompts.mixtures.shipped import Shipped

__all__ = [
    "ALGORITHMS",
    "Collection",
    "CollectionOutcome",
    "Mixture",
    "Mixtures",
    "Outcome",
    "Shipped",
    "TaskOutcome",
    "read",
    "read_file",
]
