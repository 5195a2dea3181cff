"""E-mail and user name are compared by our own rule, the same on every server."""

import pytest
from sqlalchemy import Connection, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from db.tables import User
from db.tables.users import fold

SAME = [
    ("A@b.c", "a@B.C"),
    ("Äpfel", "äpfel"),
    ("A\u0308pfel", "Äpfel"),
    ("straße", "STRASSE"),
    ("Kelvin", "\u212aelvin"),
    ("ΣΊΣΥΦΟΣ", "σίσυφος"),
    (" padded ", "padded"),
    ("\uff46\uff55\uff4c\uff4c", "full"),
]
DIFFERENT = [("Äpfel", "Apfel"), ("a.b@c", "ab@c"), ("电池", "電池"), ("i", "\u0131"), ("🔋", "🔌")]


def add(connection: Connection, *, email: str, name: str) -> None:
    """Add one user, or nothing."""
    with Session(connection, join_transaction_mode="create_savepoint") as session:
        session.add(User(email=email, user_name=name, password_hash="x"))
        session.commit()


@pytest.mark.parametrize(("first", "second"), SAME)
def test_one_spelling_for_all(connection: Connection, first: str, second: str) -> None:
    assert fold(first) == fold(second) == fold(fold(first))
    add(connection, email=first, name="one")
    with pytest.raises(IntegrityError):
        add(connection, email=second, name="two")
    add(connection, email="three", name=first)
    with pytest.raises(IntegrityError):
        add(connection, email="four", name=second)


@pytest.mark.parametrize(("first", "second"), DIFFERENT)
def test_what_is_different_stays_different(connection: Connection, first: str, second: str) -> None:
    add(connection, email=first, name=first)
    add(connection, email=second, name=second)


def test_the_spelling_given_is_kept_and_found_by_the_folded_one(connection: Connection) -> None:
    add(connection, email="Jörg@Example.ORG", name="Jörg 🔋")
    found = select(User.email, User.user_name).where(User.email_key == fold("jÖRG@example.org"))
    assert connection.execute(found).one() == ("Jörg@Example.ORG", "Jörg 🔋")
