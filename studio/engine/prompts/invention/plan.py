"""What an invention is to do: the method with its published settings, from which seeds, by which teacher, how many.

Kept in the `detail` of the prompt source that it fills, so that it can be gone on with by name.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Self

from studio.engine.domain.bounds import DOLLARS, GENERATIONS, INVENTED_PROMPTS, SEED
from studio.engine.errors import BadInput
from studio.engine.prompts.record import is_plain
from studio.engine.prompts.similarity import THRESHOLD

RESERVED = ("model", "messages", "stream", "stream_options", "n")


@dataclass(frozen=True)
class Method:
    """A published way to invent. `parameters` are what is sent, where the publication says; `yields` prompts are asked
    for in one request; `requests_each` more are needed for each prompt; `threshold` is of the ROUGE-L filter."""

    name: str
    parameters: Mapping[str, Any]
    yields: int
    requests_each: int = 0
    threshold: float | None = None
    needs_answers: bool = False
    most_requests: int = 32
    """Of one round: enough to keep a teacher busy, few enough that later rounds profit from what was kept."""
    seeds: int | None = None
    """How many seeds the publication draws on; None takes all of the file."""


METHODS: dict[str, Method] = {
    method.name: method
    for method in (
        # arXiv 2212.10560, sections 2.2 and A.1
        Method("self-instruct", {"temperature": 0.7, "top_p": 0.5, "presence_penalty": 2}, 8, 2, THRESHOLD),
        # Stanford Alpaca, 2023: 20 tasks in one request, each with its one instance
        Method("alpaca", {"temperature": 1.0}, 20, 0, THRESHOLD),
        # arXiv 2304.12244, section 3; evolving, judging and answering are a request each
        Method("evol", {"temperature": 1.0}, 1, 2, most_requests=128),
        # arXiv 2305.15717, section 3.1: ten seed pairs, five random ones in each request
        Method("local", {"temperature": 1.0}, 5, 0, needs_answers=True, seeds=10),
    )
}


@dataclass(frozen=True)
class Plan:
    """The settings of one invention. `threshold` None asks only that no prompt comes twice."""

    method: str
    teacher: str
    count: int
    seed: int = 0
    generations: int = 4
    """Of Evol-Instruct: how often each seed's line is evolved."""
    threshold: float | None = None
    parameters: dict[str, Any] = field(default_factory=dict)
    """Decoding parameters instead of the method's own; None leaves one out."""
    budget_usd: float | None = None
    ascii_start: bool = True
    """Whether instructions must begin with an ASCII character: as long as most seeds do."""

    @property
    def way(self) -> Method:
        return METHODS[self.method]

    def as_detail(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_detail(cls, detail: dict[str, Any]) -> Self:
        return cls(**{name: detail[name] for name in cls.__dataclass_fields__ if name in detail})

    def sent(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """A step's own decoding parameters under those that were asked for."""
        merged = {**parameters, **self.parameters}
        return {name: value for name, value in merged.items() if value is not None}

    def requests_for(self, wanted: int) -> int:
        """Requests of a round that is to bring `wanted` prompts, were all of them kept."""
        return max(1, min(self.way.most_requests, -(-wanted // self.way.yields)))


def fewest_requests(method: str, count: int) -> int:
    """What an invention takes if everything that comes back is kept; in practice more."""
    way = checked_method(method)
    return -(-count // way.yields) + way.requests_each * count


def checked_method(name: str) -> Method:
    if name not in METHODS:
        raise BadInput(f"There is no method '{name}' to invent prompts. The methods are: {', '.join(METHODS)}.")
    return METHODS[name]


def check(plan: Plan) -> None:
    """Raises BadInput for a plan that nobody can follow."""
    checked_method(plan.method)
    INVENTED_PROMPTS.check(plan.count, "The count of prompts to invent", "count")
    GENERATIONS.check(plan.generations, "How often a prompt is evolved", "generations")
    SEED.check(plan.seed, "The seed", "seed")
    if plan.threshold is not None and not 0 < plan.threshold <= 1:
        raise BadInput(f"A similarity is above 0 and at most 1; {plan.threshold} is not.")
    for key in plan.parameters:
        if key in RESERVED:
            raise BadInput(f"The parameter '{key}' is set by the studio itself; leave it out.")
    if not is_plain(plan.parameters):
        raise BadInput("A parameter holds a number that is none or too large, half a character, or lists too deep.")
    if plan.budget_usd is not None:
        DOLLARS.check(plan.budget_usd, "A budget in dollars", "budget_usd")
