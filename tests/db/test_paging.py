"""Lists are walked page by page alike on every server: order, case, wildcards, equal keys."""

import base64
import json
from collections.abc import Iterator, Sequence

import pytest
from sqlalchemy import Connection, Select, func, select
from sqlalchemy.orm import Session

from core.base.errors import InvalidInput
from core.base.narrowing import has_text, narrowed
from core.base.paging import BY_AGE, Order, Page, is_place, page_ids
from db.tables import Study, User
from db.text import lower, lowered, spelled

NAMES = (
    "beta",
    "Alpha",
    "alpha",
    "Émile",
    "Ω-cells",
    "a_b",
    "axb",
    "100%",
    "100 x",
    "ÄRGER",
    "alpha",
)
STATUSES = ("SUCCEEDED", "PENDING", "FAILED", "RUNNING", "CANCELED")
ORDERS = {
    **BY_AGE,
    "name": Order(lowered(Study.name)),
    "status": Order(spelled(Study.status)),
    # NULL in most rows: an order replaces it, since a NULL is neither before nor after anything.
    "dataset": Order(func.coalesce(Study.dataset_id, 0), key_descends=True),
}


@pytest.fixture
def session(connection: Connection) -> Iterator[Session]:
    with Session(connection) as session:
        user = User(user_name="walker", email="walker@example.org", password_hash="none")
        session.add(user)
        session.flush()
        for place, name in enumerate(NAMES):
            _add(session, user.id, name, STATUSES[place % len(STATUSES)])
        yield session


def _add(session: Session, user_id: int, name: str, status: str = "PENDING") -> None:
    session.add(Study(user_id=user_id, kind="ROW_SPLIT", name=name, status=status))
    session.flush()


def _own(session: Session) -> Select[tuple[Study]]:
    user_id = session.scalar(select(User.id).where(User.user_name == "walker"))
    return select(Study).where(Study.user_id == user_id)


def _names(session: Session, ids: Sequence[int]) -> list[str]:
    found = {study.id: study.name for study in session.scalars(_own(session))}
    return [found[study_id] for study_id in ids]


def _walk(session: Session, order: str, limit: int) -> list[list[int]]:
    pages, after = [], None
    while True:
        page = page_ids(session, _own(session), Study.id, ORDERS, Page(limit, after, order))
        pages.append(list(page))
        after = page.next
        if after is None:
            return pages


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("limit", [1, 3, len(NAMES), 50])
def test_every_row_is_on_one_page(session: Session, order: str, limit: int) -> None:
    whole = page_ids(session, _own(session), Study.id, ORDERS, Page(50, None, order))
    pages = _walk(session, order, limit)
    assert [row for page in pages for row in page] == list(whole)
    assert len(whole) == len(NAMES)
    assert all(len(page) == limit for page in pages[:-1])


@pytest.mark.parametrize("order", ORDERS)
def test_the_way_back_meets_the_same_pages(session: Session, order: str) -> None:
    pages = _walk(session, order, 4)
    page = page_ids(session, _own(session), Study.id, ORDERS, Page(4, None, order))
    while page.next is not None:
        page = page_ids(session, _own(session), Study.id, ORDERS, Page(4, page.next, order))
    for expected in reversed(pages[:-1]):
        assert page.previous is not None
        page = page_ids(session, _own(session), Study.id, ORDERS, Page(4, page.previous, order))
        assert list(page) == expected


def test_names_are_sorted_without_case_and_then_the_newest_first(session: Session) -> None:
    ids = page_ids(session, _own(session), Study.id, ORDERS, Page(50, None, "name"))
    newest_first = NAMES[::-1]
    assert _names(session, ids) == sorted(newest_first, key=lower)


def test_choices_are_sorted_as_text_and_not_as_they_were_declared(session: Session) -> None:
    ids = page_ids(session, _own(session), Study.id, ORDERS, Page(50, None, "status"))
    found = {study.id: study.status for study in session.scalars(_own(session))}
    assert [found[study_id] for study_id in ids] == sorted(found.values())


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        ("ALPHA", {"Alpha", "alpha"}),
        ("émile", {"Émile"}),
        ("ω", {"Ω-cells"}),
        ("ärg", {"ÄRGER"}),
        ("a_b", {"a_b"}),
        ("100%", {"100%"}),
        ("arger", set()),
        ("/", set()),
        ("\\", set()),
    ],
)
def test_a_part_of_a_name_is_found_in_any_case(
    session: Session, part: str, expected: set[str]
) -> None:
    query = narrowed(_own(session), has_text(Study.name, part))
    assert {study.name for study in session.scalars(query)} == expected


def test_rows_that_come_meanwhile_repeat_and_hide_nothing(session: Session) -> None:
    user_id = session.scalars(_own(session)).first().user_id
    before = list(page_ids(session, _own(session), Study.id, ORDERS, Page(50, None, "name")))
    seen, after = [], None
    for turn in range(20):
        page = page_ids(session, _own(session), Study.id, ORDERS, Page(2, after, "name"))
        seen += list(page)
        _add(session, user_id, f"a new one {turn}")
        _add(session, user_id, "alpha")
        after = page.next
        if after is None:
            break
    assert len(seen) == len(set(seen))
    assert [row for row in seen if row in before] == before


def test_back_at_the_start_there_is_a_whole_page(session: Session) -> None:
    first = page_ids(session, _own(session), Study.id, ORDERS, Page(3))
    second = page_ids(session, _own(session), Study.id, ORDERS, Page(3, first.next))
    user_id = session.scalars(_own(session)).first().user_id
    _add(session, user_id, "newest")
    back = page_ids(session, _own(session), Study.id, ORDERS, Page(3, second.previous))
    assert list(back) == list(first)
    further = page_ids(session, _own(session), Study.id, ORDERS, Page(3, back.previous))
    assert _names(session, further) == ["newest", *_names(session, first[:2])]
    assert further.previous is None


@pytest.mark.parametrize("token", ["", "x", "bm9uc2Vuc2U", "WzEsMiwzXQ", "é", "W10="])
def test_a_damaged_place_says_so(session: Session, token: str) -> None:
    assert not is_place(token, "name")
    with pytest.raises(InvalidInput, match="cannot be read"):
        page_ids(session, _own(session), Study.id, ORDERS, Page(3, token, "name"))


@pytest.mark.parametrize("key", [None, True, 10**30, "a\0", "\ud800", 1.5])
def test_a_place_with_another_key_is_refused(session: Session, key: object) -> None:
    text = json.dumps(["name", 0, key, 1]).encode()
    token = base64.urlsafe_b64encode(text).decode().rstrip("=")
    with pytest.raises(InvalidInput, match="place to go on from"):
        page_ids(session, _own(session), Study.id, ORDERS, Page(3, token, "name"))


def test_a_place_belongs_to_its_order(session: Session) -> None:
    place = page_ids(session, _own(session), Study.id, ORDERS, Page(3)).next
    assert place is not None
    assert is_place(place, "newest")
    assert not is_place(place, "name")
    with pytest.raises(InvalidInput, match="sorted by 'newest'"):
        page_ids(session, _own(session), Study.id, ORDERS, Page(3, place, "name"))


@pytest.mark.parametrize(
    ("page", "reason"), [(Page(0), "1 to"), (Page(1001), "1 to"), (Page(5, None, "size"), "Sort")]
)
def test_what_cannot_be_used_is_refused(session: Session, page: Page, reason: str) -> None:
    with pytest.raises(InvalidInput, match=reason):
        page_ids(session, _own(session), Study.id, ORDERS, page)
