"""Password rules and hashes: bcrypt of a SHA-256, so that long passwords are not cut off."""

import base64
import hashlib
import unicodedata

import bcrypt

from core.base.errors import InvalidInput

MIN_CHARACTERS = 10
MAX_CHARACTERS = 1000
ROUNDS = 12

# Compared against when an e-mail is unknown, so that the answer takes as long as for a known one.
# It is the hash of 32 random bytes that nobody kept, made with ROUNDS.
DUMMY_HASH = "$2b$12$A/F1hoP6r/CojSZo46p5EuDhjR8.mw3fzy/rT/CGAHTaFqoRDu8xi"


def check_rules(password: str) -> None:
    """Check a new password.

    Raises
    ------
    InvalidInput
        It has fewer than 10 or more than 1,000 characters; surrounding spaces do not count.
    """
    length = len(_normalised(password))
    if length < MIN_CHARACTERS:
        raise InvalidInput(f"Choose a password of at least {MIN_CHARACTERS} characters.")
    if length > MAX_CHARACTERS:
        raise InvalidInput(f"Choose a password of at most {MAX_CHARACTERS:,} characters.")


def hash_password(password: str) -> str:
    """Return the bcrypt hash to store; takes 0.3 s, so call it before the first SQL statement."""
    return bcrypt.hashpw(_digest(password), bcrypt.gensalt(ROUNDS)).decode("ascii")


def password_matches(password: str, password_hash: str | None) -> bool:
    """Whether the password fits the hash; without a hash, False after the same time."""
    matches = bcrypt.checkpw(_digest(password), (password_hash or DUMMY_HASH).encode("ascii"))
    return matches and password_hash is not None


def is_same(first: str, second: str) -> bool:
    """Whether two passwords count as the same."""
    return _normalised(first) == _normalised(second)


def _normalised(password: str) -> str:
    # The login form strips spaces before we see the password; keyboards compose accents
    # differently. Both must not lock anybody out.
    return unicodedata.normalize("NFC", password.strip())


def _digest(password: str) -> bytes:
    # bcrypt reads 72 bytes and stops at a zero byte; 44 characters of base64 avoid both.
    return base64.b64encode(hashlib.sha256(_normalised(password).encode("utf-8")).digest())
