"""Long lists a page at a time: the rows after one that was seen, found by key and not by counting.

Rows that come or go meanwhile move no other row to another page. The tie breaker is the id, so
that rows with equal keys are neither repeated nor left out.
"""

import base64
import binascii
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar, overload

from sqlalchemy import ColumnElement, Select, String, and_, null, or_
from sqlalchemy.orm import Session

from core.base.errors import InvalidInput

PAGE_SIZE = 50
LARGEST_PAGE = 1000
NEWEST = "newest"

Item = TypeVar("Item")
Other = TypeVar("Other")


@dataclass(frozen=True)
class Page:
    """Which part of a list is wanted.

    after : `Listed.next` or `Listed.previous` of a page seen before; None for the first page
    order : name of one of the list's orders
    """

    limit: int = PAGE_SIZE
    after: str | None = None
    order: str = NEWEST


FIRST = Page()


@dataclass(frozen=True)
class Order:
    """By what a list is sorted: an expression that is never NULL, or None for the id alone."""

    key: Any | None = None
    key_descends: bool = False
    id_descends: bool = True


BY_AGE: Mapping[str, Order] = {NEWEST: Order(), "oldest": Order(id_descends=False)}


@dataclass(frozen=True)
class Listed(Sequence[Item], Generic[Item]):
    """One page of a list; `next` and `previous` lead to the pages beside it, None at the ends."""

    items: tuple[Item, ...]
    next: str | None = None
    previous: str | None = None

    @overload
    def __getitem__(self, place: int) -> Item: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[Item]: ...
    def __getitem__(self, place: int | slice) -> Item | Sequence[Item]:
        """The item, or items, at a place of this page."""
        return self.items[place]

    def __len__(self) -> int:
        return len(self.items)

    def replaced(self, items: Sequence[Other]) -> "Listed[Other]":
        """The same page with other items, such as the descriptions of its rows."""
        return Listed(tuple(items), self.next, self.previous)


@dataclass(frozen=True)
class _Mark:
    """A row that was seen, and whether the rows before it are wanted instead of those after it."""

    order: str
    backwards: bool
    key: Any
    row_id: int


def page_ids(
    session: Session,
    query: Select[Any],
    row_id: Any,
    orders: Mapping[str, Order],
    page: Page,
) -> Listed[int]:
    """Ids of the rows of a page; `query` selects all rows, filtered and not sorted.

    Ids alone, because a server that sorts whole rows sorts their JSON, too.

    Raises
    ------
    InvalidInput
        The limit, the order or the token is not one of those that there are.
    """
    order, mark = _checked(orders, page)
    key = null() if order.key is None else order.key
    backwards = mark is not None and mark.backwards
    found = query.with_only_columns(row_id, key, maintain_column_froms=True)
    if mark is not None:
        found = found.where(_beyond(order, row_id, mark))
    sorting = [_directed(row_id, order.id_descends, backwards)]
    if order.key is not None:
        sorting.insert(0, _directed(order.key, order.key_descends, backwards))
    rows = [tuple(row) for row in session.execute(found.order_by(*sorting).limit(page.limit + 1))]
    has_more = len(rows) > page.limit
    if backwards and not has_more:
        # Back at the start: a whole page instead of what is left before the mark.
        return page_ids(session, query, row_id, orders, replace(page, after=None))
    rows = rows[: page.limit]
    if backwards:
        rows.reverse()
    ids = tuple(int(found_id) for found_id, _ in rows)
    if not rows:
        return Listed(ids)
    return Listed(
        ids,
        next=_token(page.order, False, rows[-1]) if has_more or backwards else None,
        previous=_token(page.order, True, rows[0]) if mark is not None else None,
    )


def page_of(
    listed: Listed[int], rows: Sequence[Other], row_id: Callable[[Other], int]
) -> Listed[Other]:
    """The rows of a page in its order; one that has just been deleted is left out."""
    by_id = {row_id(row): row for row in rows}
    return listed.replaced([by_id[found] for found in listed if found in by_id])


def is_place(token: str, order: str) -> bool:
    """Whether a token leads to a page of a list in this order."""
    mark = _read(token)
    return mark is not None and mark.order == order


def _checked(orders: Mapping[str, Order], page: Page) -> tuple[Order, _Mark | None]:
    if not 1 <= page.limit <= LARGEST_PAGE:
        raise InvalidInput(f"A page has 1 to {LARGEST_PAGE:,} rows, not {page.limit:,}.")
    if page.order not in orders:
        raise InvalidInput(f"Sort this list by {', '.join(orders)}, not by {page.order!r}.")
    if page.after is None:
        return orders[page.order], None
    mark = _read(page.after)
    if mark is None:
        raise InvalidInput(
            "The place to go on from cannot be read. Copy it whole, or start from the beginning."
        )
    if mark.order != page.order:
        raise InvalidInput(
            f"The place to go on from belongs to the list sorted by {mark.order!r}, not by "
            f"{page.order!r}. Start from the beginning."
        )
    order = orders[page.order]
    if order.key is None:
        expected: type = type(None)
    else:
        expected = str if isinstance(order.key.type, String) else int
    if type(mark.key) is not expected:
        raise InvalidInput("The place to go on from is not one of this list.")
    return order, mark


def _directed(column: Any, descends: bool, backwards: bool) -> ColumnElement[Any]:
    ordered: ColumnElement[Any] = column.desc() if descends != backwards else column.asc()
    return ordered


def _beyond(order: Order, row_id: Any, mark: _Mark) -> ColumnElement[bool]:
    ids = _past(row_id, order.id_descends != mark.backwards, mark.row_id)
    if order.key is None:
        return ids
    keys = _past(order.key, order.key_descends != mark.backwards, mark.key)
    return or_(keys, and_(order.key == mark.key, ids))


def _past(column: Any, descends: bool, value: Any) -> ColumnElement[bool]:
    compared: ColumnElement[bool] = column < value if descends else column > value
    return compared


def _token(order: str, backwards: bool, row: tuple[Any, ...]) -> str:
    row_id, key = row
    text = json.dumps([order, int(backwards), key, int(row_id)], separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _read(token: str) -> _Mark | None:
    try:
        text = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        order, backwards, key, row_id = json.loads(text)
    except (binascii.Error, ValueError, TypeError, RecursionError):
        return None
    plain = isinstance(key, str | int | None) and isinstance(order, str)
    if not plain or backwards not in (0, 1) or type(row_id) is not int or not 0 < row_id < 2**63:
        return None
    if isinstance(key, int) and abs(key) >= 2**63:
        return None
    # Neither can be in a column, and databases refuse to compare with them.
    if isinstance(key, str) and ("\0" in key or _has_surrogate(key)):
        return None
    return _Mark(order, bool(backwards), key, row_id)


def _has_surrogate(text: str) -> bool:
    return any("\ud800" <= letter <= "\udfff" for letter in text)
