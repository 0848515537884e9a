"""From what a person asks for (system messages, a mix of them, what the student is told) to a run's plan."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from studio.engine.errors import BadInput
from studio.engine.teachers.plans.run_plan import LIVE, RunPlan, SystemMessageChoice, Weights, check_plan
from studio.engine.teachers.system_messages import SystemMessages

SETS = ("system_messages", "by_collection", "by_task")
KEYS = ("seed", *SETS, "student")
MOST_WEIGHT = 1e9


@dataclass(frozen=True)
class Mix:
    """A file of system messages: `weights` for prompts in general, others for a collection or a task."""

    weights: Weights = field(default_factory=dict)
    by_collection: dict[str, Weights] = field(default_factory=dict)
    by_task: dict[str, Weights] = field(default_factory=dict)
    seed: int | None = None
    student: str | None = None

    @property
    def names(self) -> list[str]:
        """Every system message in it, once, the general ones first."""
        sets = (self.weights, *self.by_collection.values(), *self.by_task.values())
        return list(dict.fromkeys(name for weights in sets for name in weights))


def read_mix(mix: dict[str, Any]) -> Mix:
    """A mix as its file says it; without any of its keys it is the weights alone. Raises BadInput for anything else."""
    if not set(mix) & set(KEYS):
        return Mix(_weights(mix, "The mix of system messages"))
    for key in mix:
        if key not in KEYS:
            raise BadInput(f"A mix of system messages has no key '{key}'. The keys are: {', '.join(KEYS)}.")
    if not any(mix.get(key) for key in SETS):
        raise BadInput(
            "A mix of system messages has 'system_messages' with a weight for each name, and maybe 'by_collection', "
            "'by_task', 'seed' and 'student'."
        )
    seed, student = mix.get("seed"), mix.get("student")
    if seed is not None and (isinstance(seed, bool) or not isinstance(seed, int)):
        raise BadInput("The seed of a mix of system messages must be a whole number.")
    if student is not None and not isinstance(student, str):
        raise BadInput("The 'student' of a mix is the name of the system message that datasets keep for the student.")
    general = _weights(mix["system_messages"], "'system_messages'") if mix.get("system_messages") is not None else {}
    by_collection, by_task = (_sets(mix.get(key), key) for key in ("by_collection", "by_task"))
    return Mix(general, by_collection, by_task, seed, student)


@dataclass(frozen=True)
class RunOptions:
    """What a run is to ask for, beside its teacher and its prompts."""

    system_message: str | Sequence[str] | None = None
    """Names in the library; each prompt is asked under every one of several."""
    system_mix: dict[str, Any] | None = None
    """Weights by which one is drawn for each prompt; see `read_mix`."""
    samples: int = 1
    parameters: dict[str, Any] | None = None
    budget_usd: float | None = None
    seed: int = 0
    store_system_message: str | None = None
    """What datasets tell the student in place of what the teacher was told; goes before the `student` of a mix."""
    send: str = LIVE
    """`live`, or `batch` for the teacher's Batch API."""


def plan_of(library: SystemMessages, options: RunOptions) -> RunPlan:
    """The plan with the texts as the library has them now. Raises BadInput, or NotFound for a name it does not have."""
    system_message, system_mix, seed = options.system_message, options.system_mix, options.seed
    if system_message and system_mix:
        raise BadInput("Give either a system message or a mix of them, not both.")
    names = [system_message] if isinstance(system_message, str) else list(system_message or ())
    choices = [SystemMessageChoice.of(library.get(name)) for name in dict.fromkeys(names)]
    mix = read_mix(system_mix) if system_mix else Mix()
    if system_mix:
        seed = seed if mix.seed is None else mix.seed
        choices = [SystemMessageChoice.of(library.get(name), mix.weights.get(name, 0.0)) for name in mix.names]
    told = options.store_system_message or mix.student
    student = SystemMessageChoice.of(library.get(told)) if told else None
    plan = RunPlan(
        tuple(choices), len(names) > 1, options.samples, options.parameters or {}, seed, options.budget_usd,
        by_collection=mix.by_collection, by_task=mix.by_task, student=student, send=options.send,
    )  # fmt: skip
    check_plan(plan)
    return plan


def _sets(sets: Any, key: str) -> dict[str, Weights]:
    if sets is None:
        return {}
    if not isinstance(sets, dict) or not sets:
        raise BadInput(f"The '{key}' of a mix has a name on each line, and under it a weight for each system message.")
    return {str(label): _weights(weights, f"'{label}' in '{key}'") for label, weights in sets.items()}


def _weights(weights: Any, where: str) -> Weights:
    if not isinstance(weights, dict) or not weights:
        raise BadInput(f"{where} needs a weight for each name of a system message, such as {{brief: 1, long: 3}}.")
    for name, weight in weights.items():
        if isinstance(weight, bool) or not isinstance(weight, int | float) or not abs(weight) < MOST_WEIGHT:
            raise BadInput(f"The weight of the system message '{name}' must be a number, below a billion.")
    return {str(name): float(weight) for name, weight in weights.items()}
