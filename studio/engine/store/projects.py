"""Projects: everything else belongs to one."""

from collections.abc import Sequence

from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, select

from studio.engine.domain.names import checked_project_name, composed, folded, spellings
from studio.engine.domain.permissions import Action, Service, needs
from studio.engine.errors import NameTaken, NotFound
from studio.engine.store.database import Database
from studio.engine.store.put_away import in_use, not_binned
from studio.engine.store.tables import Project

USUAL = "default"
"""The project of a workspace in which nobody named another."""


class Projects(Service):
    """The projects of a workspace, by name."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @needs(Action.MANAGE)
    def get(self, name: str) -> Project:
        """The project of that name, created when there is none. Raises `BadInput` for a name that cannot be used, and
        `NameTaken` where one is called so but for upper and lower case."""
        return self._by_name(name) or self._made(name)

    @needs(Action.MANAGE)
    def make(self, name: str) -> Project:
        """A new project. Raises `BadInput` and `NameTaken`."""
        if self._by_name(name) is not None:
            raise NameTaken.of("project", composed(name))
        return self._made(name)

    @needs(Action.MANAGE)
    def existing(self, name: str, *, or_oldest: bool = False) -> Project:
        """The project of that name, made only where the workspace has none in use; `or_oldest`: where the usual one is
        gone, the oldest in use. Raises `NotFound`."""
        others = self.list()
        if not others:
            return self.get(name)
        is_gone = name == USUAL and self._by_name(name) is None
        return others[0] if or_oldest and is_gone else self.find(name)

    @needs(Action.READ)
    def find(self, name: str) -> Project:
        """The project of that name. Raises `NotFound`."""
        found = self._by_name(name)
        if found is None:
            raise NotFound(
                f"There is no project named '{name}' in this workspace. "
                f"There are: {', '.join(project.name for project in self.list()[:12]) or 'none yet'}."
            )
        return found

    @needs(Action.READ)
    def of(self, project_id: int) -> Project:
        """The project of that number. Where it was deleted: the oldest in use, else the oldest that is put away, else
        one that is made, as an earlier version could delete them all."""
        with self._database.session() as session:
            found = session.exec(select(Project).where(Project.id == project_id, not_binned(Project))).first()
        if found is not None:
            return found
        others = self.list() or self._put_away()
        return others[0] if others else self._made(USUAL)

    @needs(Action.READ)
    def list(self) -> list[Project]:
        """All projects in use, the oldest first."""
        with self._database.session() as session:
            return list(session.exec(select(Project).where(in_use(Project)).order_by(Project.id)))  # type: ignore[arg-type]

    def _put_away(self) -> Sequence[Project]:
        with self._database.session() as session:
            return session.exec(select(Project).where(not_binned(Project)).order_by(col(Project.id))).all()

    def _by_name(self, name: str) -> Project | None:
        with self._database.session() as session:
            return session.exec(
                select(Project).where(col(Project.name).in_(spellings(name)), not_binned(Project))
            ).first()

    def _made(self, name: str) -> Project:
        name = checked_project_name(name)
        try:
            with self._database.session() as session:
                other = project_like(session, name)
                if other is not None and other.name != name:
                    raise NameTaken.of("project", other.name)
                if other is None:
                    session.add(Project(name=name))
        except IntegrityError:
            pass  # Another process created it in the same moment; it is read below like any other.
        return self.find(name)


def project_like(session: Session, name: str, but: int | None = None) -> Project | None:
    """The project, other than that of a number, whose name is this one or differs from it only in case."""
    others = session.exec(select(Project).where(not_binned(Project), col(Project.id) != but)).all()
    return next((one for one in others if folded(one.name) == folded(name)), None)
