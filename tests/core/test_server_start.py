"""The server keeps a restore out from its first look at the database to its end."""

import asyncio
import gc
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from unittest.mock import Mock

import pytest

import app
from core.base import data_folder
from core.base.errors import Conflict


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No supervisor, whose own mark would hide that of the server, and no fleet."""
    monkeypatch.setenv("FADEBENCH_DEMO_FLEET", "0")
    monkeypatch.setattr(app, "start_in_thread", threading.Event)
    monkeypatch.setattr(data_folder, "PATIENCE_S", 0.2)
    yield
    gc.unfreeze()


def serve(meanwhile: Callable[[], None]) -> None:
    async def server() -> None:
        async with app.lifespan(Mock()):
            meanwhile()

    asyncio.run(server())


def restore_is_refused() -> bool:
    try:
        with data_folder.alone():
            return False
    except Conflict as error:
        assert "FadeBench runs on this data folder" in str(error)
        return True


def test_no_restore_begins_while_the_server_runs(
    fresh_database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused: list[bool] = []

    def note() -> None:
        refused.append(restore_is_refused())

    monkeypatch.setattr(app, "migrate", note)
    serve(note)
    note()
    assert refused == [True, True, False]


def test_a_server_that_fails_lets_restores_begin(
    fresh_database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app, "migrate", Mock(side_effect=OSError("no database")))
    with pytest.raises(OSError, match="no database"):
        serve(lambda: None)
    assert not restore_is_refused()


def test_the_server_waits_for_a_restore(
    fresh_database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app, "migrate", migrate := Mock())
    thread = threading.Thread(target=serve, args=(lambda: None,))
    with data_folder.alone():
        thread.start()
        thread.join(0.5)
        assert thread.is_alive() and not migrate.called
    thread.join(20)
    assert not thread.is_alive() and migrate.called
