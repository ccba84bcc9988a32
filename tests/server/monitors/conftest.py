"""A store for each module, and a project of it for each test, with monitors whose clock is the test's."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import stores
from watched import World

from server.aside import Inline
from server.core import Core
from server.monitors.loop import Monitoring
from server.settings import Settings
from store.control import create_project


@pytest.fixture(scope="module")
def core(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Core]:
    folder: Path = tmp_path_factory.mktemp("watched")
    stores.put_empty(folder)
    opened = Core.open(Settings(data_dir=folder, min_free_bytes=0))
    yield opened
    opened.close()


@pytest.fixture
def world(core: Core, request: pytest.FixtureRequest) -> World:
    """A project of the test's own."""
    name = "".join(one if one.isalnum() else "-" for one in request.node.name)[:100]
    project = core.writer.call(lambda cursor: create_project(cursor, name)).result()
    return World(core, Monitoring(core, Inline(core.readers)), name, project.project_id)
