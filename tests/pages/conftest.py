"""Pages rendered one at a time, with a real user and a real database, without a browser."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import streamlit as st
from sqlalchemy.orm import Session
from streamlit.testing.v1 import AppTest

from core.access.actor import CurrentUser
from core.accounts.accounts import sign_up
from core.base import storage
from core.base.database import session_scope
from core.datasets.demo_fleet import make_demo_fleet
from core.datasets.writing import create_loading_dataset, publish, write_rows
from core.ingest.build import IngestResult
from core.wiring import wire
from db.tables import DataUpload
from tests.core.backups.stored_files import on_disk

wire()

PASSWORD = "correct horse battery"
RunPage = Callable[..., AppTest]


def _script(module_name: str, user: "CurrentUser") -> None:
    """What a run executes: every address registered, the page under test as the default one."""
    import importlib
    from functools import partial

    import streamlit as st

    from tests.paths import ROOT
    from ui.shared.links import register_pages

    module = importlib.import_module(f"pages.{module_name}")
    here = module_name.replace("_", "-")
    names = (path.stem for path in (ROOT / "pages").glob("[!_]*.py"))
    screens = {}
    for address in sorted(name.replace("_", "-") for name in names):
        draw = partial(module.render, user) if address == here else partial(st.text, address)
        screens[address] = st.Page(draw, title=address, url_path=address, default=address == here)
    register_pages(screens)
    st.navigation(list(screens.values()), position="hidden").run()


def run_page(
    module_name: str,
    user: CurrentUser,
    query_params: dict[str, str | int] | None = None,
    timeout_s: float = 30.0,
) -> AppTest:
    """Render `pages.<module_name>` once for `user` under an address; fails on an exception.

    A page that leaves for another one shows that one's address as its only text.
    """
    test = AppTest.from_function(
        _script, default_timeout=timeout_s, kwargs={"module_name": module_name, "user": user}
    )
    for name, value in (query_params or {}).items():
        test.query_params[name] = str(value)
    test.run()
    assert not test.exception, test.exception
    return test


def texts(test: AppTest) -> str:
    """Everything that a page says in words, one element a line."""
    kinds = ("title", "header", "subheader", "markdown", "caption", "text")
    messages = ("error", "warning", "info", "success")
    return "\n".join(
        str(element.value) for kind in (*kinds, *messages) for element in getattr(test, kind)
    )


def store_fleet(owner: CurrentUser | None, name: str, result: IngestResult | None = None) -> int:
    """Store a fleet (the simulated one by default) as a built-in dataset, or as `owner`'s own."""
    result = result or make_demo_fleet()
    with session_scope() as session:
        upload_id = None
        if owner is not None:
            upload_id = _finished_upload(session, owner, result)
        owner_id = None if owner is None else owner.id
        dataset_id = create_loading_dataset(session, name, owner_id, upload_id)
    write_rows(dataset_id, result, lambda _share: None)
    with session_scope() as session:
        publish(session, dataset_id, result)
    return dataset_id


@pytest.fixture
def user(fresh_database: Path) -> CurrentUser:
    """A member with nothing of their own yet; the first account of the database."""
    with session_scope() as session:
        return sign_up(session, "ada@example.org", "Ada", PASSWORD)


@pytest.fixture
def stranger(user: CurrentUser) -> CurrentUser:
    """Somebody else, who must not see what belongs to `user`."""
    with session_scope() as session:
        return sign_up(session, "eve@example.org", "Eve", PASSWORD)


@pytest.fixture(autouse=True)
def isolated_pages() -> Iterator[None]:
    """Nothing cached (ids start from 1 in every test), and the whole trace of an exception."""
    st.cache_data.clear()
    st.config.set_option("client.showErrorDetails", "full")
    yield
    st.config.set_option("client.showErrorDetails", "none")
    st.cache_data.clear()


def _finished_upload(session: Session, owner: CurrentUser, result: IngestResult) -> int:
    content = b"battery,cycle,capacity\n"
    upload = DataUpload(
        user_id=owner.id,
        original_filename="fleet.csv",
        stored_path="",
        file_size=len(content),
        status="SUCCEEDED",
        report=result.report,
    )
    session.add(upload)
    session.flush()
    upload.stored_path = storage.upload_path(owner.id, upload.id, "fleet.csv")
    path = on_disk(upload.stored_path)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return upload.id
