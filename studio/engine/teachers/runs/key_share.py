"""Runs on the same key share its limits fairly: each says how fast it goes, and takes what the others leave."""

import math
import time
from collections.abc import Sequence

from sqlalchemy import update
from sqlmodel import Session, col, select

from studio.engine.store import is_held
from studio.engine.store.tables import Attempt, Run, Teacher
from studio.engine.teachers.plans.fingerprint import identity
from studio.engine.teachers.runs.pacer import fair_share
from studio.engine.teachers.runs.run_lease import UNSYNCHRONISED

HEADROOM = 1.2
"""A run that goes slower than it may is granted this much more than its pace, so that it can speed up."""
MINUTE = 61.0
"""Seconds that are looked back over, a little more than the limits are counted in."""
MOST_LOOKED_AT = 2_000
LEAST = 0.02
"""The least part of the limit, for a run that the others have not noticed yet or that has asked nothing lately."""


def part_of_limits(
    session: Session, run: Run, teacher: Teacher, per_second: float, *, pace: float | None, held_back: bool
) -> float:
    """The part (0 to 1) of its key's limits that a run may use, after writing down its own pace.

    `per_second` is the limit, `pace` what the run sent lately (both in requests a second), None for one that has only
    begun: until the others have seen it, it takes what they leave.
    """
    spoken = {"pace": pace or 0.0, "is_held_back": held_back or pace is None}
    session.execute(update(Run).where(col(Run.id) == run.id).values(**spoken), execution_options=UNSYNCHRONISED)
    others = others_on_key(session, run, teacher)
    if not others:
        return 1.0
    if pace is None:
        used = sum(other.pace or 0.0 for other in others)
        return max(LEAST, 1.0 - used / per_second)
    demands = [_demand(other.pace, other.is_held_back) for other in others]
    part = fair_share(per_second, _demand(pace, held_back), demands) / per_second
    return min(1.0, max(LEAST, part))


def sent_lately(session: Session, teacher: Teacher) -> list[tuple[float, float]]:
    """(seconds ago, tokens) of what was sent with this teacher's key within a minute, the oldest first: many small runs
    in a row keep to its limits like one large one. At most the newest two thousand are looked at."""
    mine, now = _key(teacher), time.time()
    ids = {row.id for row in session.exec(select(Teacher).where(Teacher.model == teacher.model)) if _key(row) == mine}
    newest = select(Attempt).order_by(col(Attempt.id).desc()).limit(MOST_LOOKED_AT).subquery()
    query = select(newest.c.started_at, newest.c.input_tokens + newest.c.output_tokens)
    query = query.join(Run, col(Run.id) == newest.c.run_id)
    rows = session.execute(query.where(col(Run.teacher_id).in_(ids), newest.c.started_at > now - MINUTE))
    return sorted(((max(0.0, now - at), float(tokens)) for at, tokens in rows), reverse=True)


def others_on_key(session: Session, run: Run, teacher: Teacher) -> Sequence[Run]:
    """The other runs, of any project, that are collecting now from the same model with the same key."""
    query = select(Run, Teacher).join(Teacher, col(Run.teacher_id) == col(Teacher.id))
    query = query.where(col(Run.holder).is_not(None), col(Run.held_until) > time.time(), col(Run.id) != run.id)
    mine = _key(teacher)
    return [other for other, asked in session.exec(query) if _key(asked) == mine and is_held(other)]


def _demand(pace: float | None, held_back: bool) -> float:
    return math.inf if held_back or pace is None else pace * HEADROOM


def _key(teacher: Teacher) -> tuple[str, str, str]:
    return identity(teacher), teacher.model, teacher.api_key_env
