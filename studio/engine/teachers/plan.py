"""What a run asks for: which system messages, how many samples, which parameters; and what is sent for a prompt."""

from dataclasses import asdict, dataclass
from random import Random
from typing import Any, Self

from studio.engine.errors import BadInput
from studio.engine.store.tables import Prompt, SystemMessage

RESERVED = ("model", "messages", "stream", "stream_options", "n")
MOST_SAMPLES = 1000
OWN = "own"
"""The name in traces of a system message that came with its prompt."""


@dataclass(frozen=True)
class Manner:
    """A system message as it was when the run was made; later edits of the library do not reach it."""

    id: int | None
    name: str
    text: str
    weight: float = 1.0

    @classmethod
    def of(cls, message: SystemMessage, weight: float = 1.0) -> Self:
        return cls(message.id, message.name, message.text, weight)


@dataclass(frozen=True)
class Plan:
    """Kept in `Run.settings`. With `every`, each prompt is asked under each system message; otherwise one is drawn."""

    manners: tuple[Manner, ...] = ()
    every: bool = False
    samples: int = 1
    parameters: dict[str, Any] | None = None
    seed: int = 0
    budget_usd: float | None = None
    planned: bool = False
    """Whether every item has been written down."""

    def as_settings(self) -> dict[str, Any]:
        return asdict(self) | {"parameters": self.parameters or {}}

    @classmethod
    def from_settings(cls, settings: dict[str, Any]) -> Self:
        manners = tuple(Manner(**manner) for manner in settings.get("manners", ()))
        return cls(**{**settings, "manners": manners})

    @property
    def items_per_prompt(self) -> int:
        return self.samples * (max(1, len(self.manners)) if self.every else 1)

    def manners_for(self, prompt_digest: bytes) -> tuple[Manner | None, ...]:
        """One for each of a prompt's items, before samples. A draw depends on seed and prompt alone."""
        if not self.manners:
            return (None,)
        if self.every or len(self.manners) == 1:
            return self.manners
        rng = Random(f"{self.seed}:{prompt_digest.hex()}")
        return tuple(rng.choices(self.manners, [manner.weight for manner in self.manners]))


def check_plan(plan: Plan) -> None:
    """Raises BadInput for a plan that no run can follow."""
    if not 1 <= plan.samples <= MOST_SAMPLES:
        raise BadInput(f"Samples must be from 1 to {MOST_SAMPLES}, not {plan.samples}.")
    for key in plan.parameters or {}:
        if key in RESERVED:
            raise BadInput(f"The parameter '{key}' is set by the studio itself; leave it out (use --samples for 'n').")
    if plan.budget_usd is not None and not 0 <= plan.budget_usd < 1e9:
        raise BadInput(f"A budget of {plan.budget_usd} dollars cannot be kept to; give zero or more.")
    if any(not 0 <= manner.weight < 1e9 for manner in plan.manners) or (
        plan.manners and not any(manner.weight for manner in plan.manners)
    ):
        raise BadInput("The weights of system messages must be zero or more, and one of them above zero.")


def read_mix(mix: dict[str, Any]) -> tuple[int | None, dict[str, float]]:
    """(seed, weights by name) of a system-message mix; raises BadInput for anything else."""
    weights = mix.get("system_messages") if "system_messages" in mix else mix
    unknown = set(mix) - {"seed", "system_messages"} if "system_messages" in mix else set()
    if not isinstance(weights, dict) or not weights or unknown:
        raise BadInput(
            "A mix of system messages has 'system_messages' with a weight for each name, and maybe a 'seed'."
        )
    for name, weight in weights.items():
        if isinstance(weight, bool) or not isinstance(weight, int | float):
            raise BadInput(f"The weight of the system message '{name}' must be a number.")
    seed = mix.get("seed") if "system_messages" in mix else None
    if seed is not None and (isinstance(seed, bool) or not isinstance(seed, int)):
        raise BadInput("The seed of a mix of system messages must be a whole number.")
    return seed, {str(name): float(weight) for name, weight in weights.items()}


@dataclass(frozen=True)
class Conversation:
    """Everything that is sent for one item, and what its trace will say about it."""

    messages: list[dict[str, Any]]
    system_name: str
    system_text: str


def conversation(prompt: Prompt, manner: Manner | None) -> Conversation:
    """The run's system message replaces one that came with the prompt; an empty one is not sent at all."""
    name, text = (manner.name, manner.text) if manner else (OWN if prompt.system else "", prompt.system or "")
    turns = [turn for turn in prompt.messages or () if turn.get("role") != "system"]
    if prompt.messages and not manner and not text:
        text = next((str(turn.get("content")) for turn in prompt.messages if turn.get("role") == "system"), "")
        name = OWN if text else ""
    system = [{"role": "system", "content": text}] if text.strip() else []
    asked = [{"role": str(turn["role"]), "content": turn["content"]} for turn in turns]
    return Conversation([*system, *(asked or [{"role": "user", "content": prompt.text}])], name, text)
