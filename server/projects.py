"""Project names to ids, kept in memory: ingest asks for every request."""

from __future__ import annotations

from store.control import Project, create_project, list_projects
from store.errors import UnknownProjectNameError
from store.readers import ReaderPool
from store.writer import Writer


class Projects:
    """The projects of a store. Projects are never renamed or removed, so what is known stays true."""

    def __init__(self, readers: ReaderPool, writer: Writer) -> None:
        self._readers, self._writer = readers, writer
        self._ids: dict[str, int] = {}

    def known(self, name: str) -> int | None:
        """The id when it is in memory; no wait."""
        return self._ids.get(name)

    def id_of(self, name: str) -> int:
        """The id of a project.

        Raises:
            UnknownProjectNameError: there is none; names those that exist.
        """
        if name not in self._ids:
            self.all()
        if name not in self._ids:
            known = ", ".join(sorted(self._ids))
            raise UnknownProjectNameError(
                f"No project is named {name!r}. Known: {known}. `assay projects --add NAME` makes a new one."
            )
        return self._ids[name]

    def name_of(self, project_id: int) -> str:
        """The name of a project that there is."""
        return next(one.name for one in self.all() if one.project_id == project_id)

    def all(self) -> list[Project]:
        """All projects, oldest first."""
        with self._readers.read() as cursor:
            found = list_projects(cursor)
        self._ids = {project.name: project.project_id for project in found}
        return found

    def add(self, name: str) -> Project:
        """Make a project, or return the one of that name. Waits for the commit.

        Raises:
            StoreError: the name cannot name a project.
        """
        made = self._writer.call(lambda cursor: create_project(cursor, name)).result()
        self._ids[made.name] = made.project_id
        return made
