"""Engines: connections as an operator's server gives them out of the box."""

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import create_engine, make_url, text

from db.engine import make_engine


@pytest.fixture
def ordinary_login(migrated_url: str) -> Iterator[str]:
    """URL of a user with a password, made with the server's default kind of login."""
    name, password = f"fb_{uuid4().hex[:8]}", "pass/word%1"
    admin = create_engine(migrated_url)
    database = admin.url.database
    with admin.begin() as connection:
        connection.execute(text(f"CREATE USER '{name}'@'%' IDENTIFIED BY '{password}'"))
        connection.execute(text(f"GRANT ALL ON {database}.* TO '{name}'@'%'"))
    url = make_url(migrated_url).set(username=name, password=password)
    yield url.render_as_string(hide_password=False)
    with admin.begin() as connection:
        connection.execute(text(f"DROP USER '{name}'@'%'"))
    admin.dispose()


@pytest.mark.parametrize("server", ["mysql", "mariadb"], indirect=True)
def test_the_default_login_of_the_server_works(ordinary_login: str) -> None:
    engine = make_engine(ordinary_login)
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM dataset")) == 0
    engine.dispose()


def test_the_folder_of_a_sqlite_file_is_made(tmp_path: Path) -> None:
    engine = make_engine(f"sqlite:///{(tmp_path / 'new' / 'folder' / 'x.db').as_posix()}")
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT 1")) == 1
    engine.dispose()
