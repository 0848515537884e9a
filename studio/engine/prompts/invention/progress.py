"""What an invention has done so far, as it is kept in the `detail` of the source that it fills, and its report."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Self

from sqlalchemy import func
from sqlmodel import Session, col, select

from studio.engine.prompts.invention.plan import Plan
from studio.engine.store import in_use
from studio.engine.store.tables import PromptSource, Run

KIND = "invent"
ASKING = "asking"
"""The kind of the runs and sources that an invention asks by; lists of prompts and runs leave them out."""


TOKEN_BYTES = 6
Sums = tuple[int, int, float]
NOTHING: Sums = (0, 0, 0.0)


@dataclass
class InventionState:
    """Changed once a round, in the transaction that keeps the round's prompts."""

    token: str
    """Names the runs of this invention, so that two of the same name never share one."""
    seeds: dict[str, Any] = field(default_factory=dict)
    """file, count, left_out and a digest of what was read."""
    round: int = 1
    cursor: dict[str, int] = field(default_factory=dict)
    dropped: dict[str, int] = field(default_factory=dict)
    spent: list[str] = field(default_factory=list)
    """Instructions that came to nothing."""
    dry: int = 0
    """Rounds in a row that brought nothing."""
    unread_verdicts: int = 0
    """Replies of the judge without a verdict that can be read; what they were about was kept."""
    stopped_by: str | None = None
    """done, user, budget, nothing_new or generations; None while it goes on, and after a fault, which its job tells."""

    @classmethod
    def from_detail(cls, detail: Mapping[str, Any]) -> Self:
        return cls(**detail["standing"])

    def as_detail(self, plan: Plan) -> dict[str, Any]:
        return {**plan.as_detail(), "standing": asdict(self)}

    def drop(self, dropped: Counter[str]) -> None:
        self.dropped = dict(sorted((Counter(self.dropped) + dropped).items()))


@dataclass(frozen=True)
class InventionProgress:
    """Where an invention is: prompts kept and dropped by rule, requests put to the teacher, dollars spent."""

    name: str
    plan: Plan
    kept: int
    dropped: dict[str, int]
    requests: int
    failed: int
    cost_usd: float
    round: int
    seeds: dict[str, Any]
    stopped_by: str | None
    unread_verdicts: int = 0

    @property
    def is_done(self) -> bool:
        return self.kept >= self.plan.count

    def report(self) -> dict[str, Any]:
        """What `prompts invent --json` prints."""
        return {
            "source": self.name, "kept": self.kept, "dropped": self.dropped, "requests": self.requests,
            "cost_usd": round(self.cost_usd, 6), "count": self.plan.count, "failed_requests": self.failed,
            "rounds": self.round - 1, "stopped_by": self.stopped_by if self.stopped_by != "done" else None,
            **({"unread_verdicts": self.unread_verdicts} if self.unread_verdicts else {}),
        }  # fmt: skip


def progress_of(session: Session, source: PromptSource) -> InventionProgress:
    prefix = prefix_of(InventionState.from_detail(source.detail).token)
    return _progress(source, _sums(session, source.project_id, prefix).get(prefix, NOTHING))


def all_progress(session: Session, project_id: int) -> list[InventionProgress]:
    """Of every invention of a project, the newest first, by one look at its runs."""
    mine = (PromptSource.project_id == project_id, PromptSource.kind == KIND, in_use(PromptSource))
    query = select(PromptSource).where(*mine)
    sources = [source for source in session.exec(query.order_by(col(PromptSource.id).desc())) if _is_ours(source)]
    sums = _sums(session, project_id) if sources else {}
    return [
        _progress(source, sums.get(prefix_of(InventionState.from_detail(source.detail).token), NOTHING))
        for source in sources
    ]  # fmt: skip


def _is_ours(source: PromptSource) -> bool:
    """Other sources may be of this kind too: `Prompts.add` takes any."""
    return "standing" in source.detail


def _sums(session: Session, project_id: int, prefix: str = f"{ASKING}-") -> dict[str, Sums]:
    """Requests, failed ones and dollars of inventions, by the beginning of their runs' names."""
    start = func.substr(Run.name, 1, len(prefix_of("0" * 2 * TOKEN_BYTES)))
    sums = (func.sum(Run.completed + Run.failed), func.sum(Run.failed), func.sum(Run.cost_usd))
    mine = (Run.project_id == project_id, Run.kind == ASKING, col(Run.name).startswith(prefix))
    rows = session.exec(select(start, *sums).where(*mine).group_by(start))  # type: ignore[call-overload]
    return {name: (int(requests), int(failed), float(cost)) for name, requests, failed, cost in rows}


def _progress(source: PromptSource, sums: Sums) -> InventionProgress:
    state, plan = InventionState.from_detail(source.detail), Plan.from_detail(source.detail)
    return InventionProgress(
        source.name,
        plan,
        source.count,
        state.dropped,
        *sums,
        state.round,
        state.seeds,
        state.stopped_by,
        state.unread_verdicts,
    )


def prefix_of(token: str) -> str:
    """How the names of an invention's runs and sources begin."""
    return f"asking-{token}-"
