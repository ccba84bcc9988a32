"""Queues over a real store, without a server."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import stores

from server.core import Core, opened
from server.settings import Settings


@pytest.fixture(scope="session")
def core(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Core]:
    """One open store for all of the package; each test has queues of its own."""
    folder = tmp_path_factory.mktemp("labelling")
    stores.put_empty(folder)
    with opened(Settings(data_dir=folder, min_free_bytes=0)) as made:
        yield made
