"""Projects: everything else belongs to one."""

from sqlalchemy.exc import IntegrityError
from sqlmodel import select

from studio.engine.domain.permissions import Action, Service, needs
from studio.engine.errors import BadInput, NotFound
from studio.engine.store.database import Database
from studio.engine.store.put_away import in_use, not_binned
from studio.engine.store.tables import Project

LONGEST_NAME = 80


class Projects(Service):
    """The projects of a workspace, by name."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @needs(Action.MANAGE)
    def get(self, name: str) -> Project:
        """The project of that name, created when there is none. Raises `BadInput` for a name that cannot be used."""
        name = _usable(name)
        found = self._by_name(name)
        if found is not None:
            return found
        try:
            with self._database.session() as session:
                session.add(Project(name=name))
        except IntegrityError:
            pass  # Another process created it in the same moment; it is read below like any other.
        return self.find(name)

    @needs(Action.READ)
    def find(self, name: str) -> Project:
        """The project of that name. Raises `NotFound`."""
        found = self._by_name(name.strip())
        if found is None:
            raise NotFound(
                f"There is no project named '{name}' in this workspace. "
                f"There are: {', '.join(project.name for project in self.list()[:12]) or 'none yet'}."
            )
        return found

    @needs(Action.READ)
    def of(self, project_id: int) -> Project:
        """The project of that number; the oldest in use where it was deleted. Raises `NotFound` where there is none."""
        with self._database.session() as session:
            found = session.exec(select(Project).where(Project.id == project_id, not_binned(Project))).first()
        if found is not None:
            return found
        if others := self.list():
            return others[0]
        raise NotFound("There is no project in this workspace. Make one.")

    @needs(Action.READ)
    def list(self) -> list[Project]:
        """All projects in use, the oldest first."""
        with self._database.session() as session:
            return list(session.exec(select(Project).where(in_use(Project)).order_by(Project.id)))  # type: ignore[arg-type]

    def _by_name(self, name: str) -> Project | None:
        with self._database.session() as session:
            return session.exec(select(Project).where(Project.name == name, not_binned(Project))).first()


def _usable(name: str) -> str:
    name = name.strip()
    if not name or len(name) > LONGEST_NAME or not name.isprintable():
        raise BadInput(
            f"'{name[:LONGEST_NAME]}' cannot be the name of a project. "
            f"Use 1 to {LONGEST_NAME} printable characters on one line.",
            field="name",
        )
    return name
