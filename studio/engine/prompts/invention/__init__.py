"""Prompts that a teacher invents from a few seeds: Self-Instruct, Alpaca's variant, Evol-Instruct, local imitation.

`service` is what commands and pages call; `carrying` runs the rounds of an invention; each method is a file that turns
one round's replies into prompts; `rules` says what is dropped; the requests are worded in `assets/invention.yaml`.
"""

from studio.engine.prompts.invention.asking import Interrupted, InventionAsker, InventionQuestion, InventionReply
from studio.engine.prompts.invention.carrying import carry_on
from studio.engine.prompts.invention.inventions import INVENT, Inventions
from studio.engine.prompts.invention.plan import METHODS, Plan, fewest_requests
from studio.engine.prompts.invention.progress import ASKING, InventionProgress, prefix_of

__all__ = [
    "ASKING",
    "INVENT",
    "METHODS",
    "Interrupted",
    "InventionAsker",
    "InventionProgress",
    "InventionQuestion",
    "InventionReply",
    "Inventions",
    "Plan",
    "carry_on",
    "fewest_requests",
    "prefix_of",
]
