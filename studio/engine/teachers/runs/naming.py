"""The names of runs: each stands for one run of its project."""

from sqlmodel import Session, col, select

from studio.engine.domain.names import name_like, spellings
from studio.engine.store.tables import Run

LONGEST = 70
"""Characters of a name that is made up, before its number."""


def run_named(session: Session, project_id: int, name: str) -> Run | None:
    return session.exec(select(Run).where(Run.project_id == project_id, col(Run.name).in_(spellings(name)))).first()


def free_name(session: Session, project_id: int, base: str) -> str:
    """A name that no run has yet and a person could have given, with a number where its base is taken."""
    base = name_like(base, "run")
    name, number = base[:LONGEST], 1
    while run_named(session, project_id, name):
        number += 1
        name = f"{base[:LONGEST]}-{number}"
    return name
