"""What a run asks for: which system messages, how many samples, which parameters; and what is sent for a prompt."""

from dataclasses import asdict, dataclass, field
from random import Random
from typing import Any, Self

from studio.engine.domain.bounds import DOLLARS, SAMPLES, SEED
from studio.engine.domain.messages import as_sent, split_instructions
from studio.engine.errors import BadInput
from studio.engine.prompts import is_plain
from studio.engine.store.tables import Prompt, SystemMessage

RESERVED = ("model", "messages", "stream", "stream_options", "n")
LIVE, BATCH = "live", "batch"
"""How a run is sent: one question at a time, or through the teacher's Batch API."""
OWN = "own"
"""The name in traces of a system message that came with its prompt."""
LIMITS = ("max_completion_tokens", "max_tokens")
"""Parameters that say how long an answer can be."""
Weights = dict[str, float]
"""How likely each system message is to be drawn, by name, beside the others."""


@dataclass(frozen=True)
class SystemMessageChoice:
    """A system message as it was when the run was made; later edits of the library do not reach it."""

    id: int | None
    name: str
    text: str
    weight: float = 1.0

    @classmethod
    def of(cls, message: SystemMessage, weight: float = 1.0) -> Self:
        return cls(message.id, message.name, message.text, weight)


@dataclass(frozen=True)
class RunPlan:
    """Kept in `Run.settings`, its choices under the key `manners`. With `every`, each prompt is asked under each system
    message; otherwise one is drawn."""

    choices: tuple[SystemMessageChoice, ...] = ()
    """Every system message the run may send, with its weight for prompts that no set of their own is given for."""
    every: bool = False
    samples: int = 1
    parameters: dict[str, Any] | None = None
    seed: int = 0
    budget_usd: float | None = None
    planned: bool = False
    """Whether every item has been written down."""
    by_collection: dict[str, Weights] = field(default_factory=dict)
    by_task: dict[str, Weights] = field(default_factory=dict)
    """Sets of system messages for the prompts of one collection, or of one task, which goes before its collection."""
    send: str = LIVE
    dearest_before: float | None = None
    """Dollars that the dearest answer to questions like these has cost, where an invention's earlier rounds tell."""
    terms: str = ""
    """The teacher's terms when a hidden run was made: its answers leave no traces that would tell."""
    student: SystemMessageChoice | None = None
    """Prompt erasing (Orca 2, arXiv 2311.11045): what datasets tell the student, not what the teacher was told."""

    def as_settings(self) -> dict[str, Any]:
        settings = asdict(self) | {"parameters": self.parameters or {}}
        return settings | {"manners": settings.pop("choices")}

    @classmethod
    def from_settings(cls, settings: dict[str, Any]) -> Self:
        named = {key: value for key, value in settings.items() if key != "manners"}
        choices = tuple(SystemMessageChoice(**choice) for choice in settings.get("manners", ()))
        student = SystemMessageChoice(**settings["student"]) if settings.get("student") else None
        return cls(**named | {"choices": choices, "student": student})

    @property
    def items_per_prompt(self) -> int:
        return self.samples * (max(1, len(self.choices)) if self.every else 1)

    def choices_for(
        self, prompt_digest: bytes, collection: str | None = None, task: str | None = None
    ) -> tuple[SystemMessageChoice | None, ...]:
        """One for each of a prompt's items, before samples; None leaves a prompt what came with it.

        A draw depends on the seed, the prompt and the weights that hold for it, in whatever order they were given.
        """
        if self.every and self.choices:
            return self.choices
        weights = self._weights(collection, task)
        drawn = sorted((choice for choice in self.choices if weights.get(choice.name)), key=lambda one: one.name)
        if len(drawn) < 2:
            return tuple(drawn) or (None,)
        rng = Random(f"{self.seed}:{prompt_digest.hex()}")
        return tuple(rng.choices(drawn, [weights[choice.name] for choice in drawn]))

    def _weights(self, collection: str | None, task: str | None) -> Weights:
        if task in self.by_task:
            return self.by_task[task]
        if collection in self.by_collection:
            return self.by_collection[collection]
        return {choice.name: choice.weight for choice in self.choices}


def check_plan(plan: RunPlan) -> None:
    """Raises BadInput for a plan that no run can follow."""
    if plan.send not in (LIVE, BATCH):
        raise BadInput(f"A run is sent '{LIVE}' or as a '{BATCH}', not '{plan.send}'.")
    SAMPLES.check(plan.samples, "The number of samples", "samples")
    SEED.check(plan.seed, "The seed", "seed")
    check_parameters(plan.parameters or {})
    if plan.budget_usd is not None:
        DOLLARS.check(plan.budget_usd, "A budget in dollars", "budget_usd")
    special = [*plan.by_collection.values(), *plan.by_task.values()]
    default = {choice.name: choice.weight for choice in plan.choices}
    for weights in special if special and not any(default.values()) else [default, *special]:
        if any(not 0 <= weight < 1e9 for weight in weights.values()) or (weights and not any(weights.values())):
            raise BadInput(
                "The weights of system messages must be zero or more, and one of them above zero.", field="weights"
            )


def check_parameters(parameters: dict[str, Any]) -> None:
    """Raises BadInput for parameters that are the studio's own, or that no request can carry as they are."""
    for key in parameters:
        if key in RESERVED:
            raise BadInput(
                f"The parameter '{key}' is set by the studio itself; leave it out (use --samples for 'n').",
                field="parameters",
            )
    for key, value in parameters.items():
        if not is_plain({key: value}):
            raise BadInput(
                f"The parameter '{key[:80]}' cannot be sent as JSON: it holds a number that is none or too large, "
                "half a character, or lists too deep. Mend its value.",
                field="parameters",
            )


def answer_limit(parameters: dict[str, Any] | None) -> int | None:
    """The longest answer that the parameters allow, in tokens; None when they set no limit."""
    for name in LIMITS:
        value = (parameters or {}).get(name)
        if isinstance(value, int) and not isinstance(value, bool) and value > 0:
            return value
    return None


@dataclass(frozen=True)
class Conversation:
    """Everything that is sent for one item, and what its trace will say about it."""

    messages: list[dict[str, Any]]
    system_name: str
    system_text: str


def conversation(prompt: Prompt, choice: SystemMessageChoice | None) -> Conversation:
    """The run's system message replaces one that came with the prompt; an empty one is not sent at all."""
    name, text = (choice.name, choice.text) if choice else _system_of(prompt)
    asked = as_sent(split_instructions(prompt.messages or ())[1])
    system = [{"role": "system", "content": text}] if text.strip() else []
    return Conversation([*system, *(asked or [{"role": "user", "content": prompt.text}])], name, text)


def _system_of(prompt: Prompt) -> tuple[str, str]:
    """(name, text) of what comes with a prompt: drawn for it by its mixture, in its row, or among its turns."""
    if prompt.system_name:
        return prompt.system_name, prompt.system or ""
    text = prompt.system or ""
    if not text:
        turns = (str(turn.get("content") or "") for turn in split_instructions(prompt.messages or ())[0])
        text = next(turns, "")
    return (OWN, text) if text else ("", "")
