"""How large a demo is: sizes, learning rates and budgets, as plain values."""

from dataclasses import dataclass

from studio.engine.domain.permissions import Action
from studio.engine.jobs import WHOLE_MACHINE, Kind, Retry
from studio.engine.practice.families import DEMO_FAMILIES

DEMO = Kind("demo", WHOLE_MACHINE, Action.SPEND, retry=Retry.REPEATS)
BARE, EXPLAINED, TWO_STAGE = "bare-answers", "explanations", "explanations-two-stage"
PLAIN, THOROUGH = "practice-plain", "practice-thorough"
BRIEF_MESSAGE, EXPLAIN_MESSAGE = "brief", "step-by-step"
QUANTIZATIONS = ("f16", "Q8_0", "Q4_K_M")
DEFAULT_QUANTIZATION = "Q8_0"
STUDENT_SYSTEM_MESSAGE = ""
"""Students learn without the teacher's system message (prompt erasing, as in Orca 2), so none is sent to them."""


@dataclass(frozen=True)
class Plan:
    """`tokens` is the budget through the model of each first stage, the same for bare answers and explanations."""

    seed: int
    families: tuple[str, ...] = DEMO_FAMILIES
    traces: int = 800
    unseen: int = 240
    tokens: int = 220_000
    second_tokens: int = 120_000
    learning_rates: tuple[float, ...] = (5e-4, 1.5e-3)
    second_rate: float = 5e-4
    held_out: float = 0.05
    study_items: int = 40

    @property
    def unseen_seed(self) -> int:
        return self.seed + 1_000_003


def full(seed: int) -> Plan:
    return Plan(seed)


def quick(seed: int) -> Plan:
    """One learning rate and fewer traces: shows that every part works, with weaker students."""
    return Plan(
        seed, traces=320, unseen=40, tokens=52_000, second_tokens=40_000, learning_rates=(1.5e-3,), study_items=8
    )


def recipe(plan: Plan, base: str, stage: str, dataset: str, tokens: int, rate: float) -> dict[str, object]:
    """The recipe of one student: full fine-tuning of one stage on one thread, so that two can run side by side."""
    return {
        "base": base,
        "seed": plan.seed,
        "threads": 1,
        "stages": [
            {
                "name": stage,
                "dataset": dataset,
                "method": "full",
                "tokens": tokens,
                "learning_rate": rate,
                "max_length": 384,
                "packing": False,
                "batch_size": 16,
                "evaluations": 1,
            }
        ],
    }
