"""Projects: everything else belongs to one."""

from sqlalchemy.exc import IntegrityError
from sqlmodel import select

from studio.engine.errors import BadInput, NotFound
from studio.engine.store.database import Database
from studio.engine.store.tables import Project

LONGEST_NAME = 80


class Projects:
    """The projects of a workspace, by name."""

    def __init__(self, database: Database) -> None:
        self._database = database

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

    def find(self, name: str) -> Project:
        """The project of that name. Raises `NotFound`."""
        found = self._by_name(name.strip())
        if found is None:
            raise NotFound(
                f"There is no project named '{name}' in this workspace. "
                f"There are: {', '.join(project.name for project in self.list()[:12]) or 'none yet'}."
            )
        return found

    def list(self) -> list[Project]:
        """All projects, the oldest first."""
        with self._database.session() as session:
            return list(session.exec(select(Project).order_by(Project.id)))  # type: ignore[arg-type]

    def _by_name(self, name: str) -> Project | None:
        with self._database.session() as session:
            return session.exec(select(Project).where(Project.name == name)).first()


def _usable(name: str) -> str:
    name = name.strip()
    if not name or len(name) > LONGEST_NAME or not name.isprintable():
        raise BadInput(
            f"'{name[:LONGEST_NAME]}' cannot be the name of a project. "
            f"Use 1 to {LONGEST_NAME} printable characters on one line."
        )
    return name
