"""What a run is to ask: its plan, the mix of system messages it was made of, and what makes two questions the same."""

from studio.engine.teachers.plans.fingerprint import identity
from studio.engine.teachers.plans.mix import RunOptions
from studio.engine.teachers.plans.run_plan import (
    BATCH,
    LIVE,
    OWN,
    RunPlan,
    SystemMessageChoice,
    check_parameters,
    conversation,
)

__all__ = [
    "BATCH",
    "LIVE",
    "OWN",
    "RunOptions",
    "RunPlan",
    "SystemMessageChoice",
    "check_parameters",
    "conversation",
    "identity",
]
