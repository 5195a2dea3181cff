"""The version of the code, stored with every result."""

import hashlib
from functools import lru_cache

from core.settings import ROOT

VERSION = "0.1.0"


@lru_cache(maxsize=1)
def code_version() -> str:
    """Release number and a hash of the modelling code, such as `0.1.0+3f2a9c11`."""
    digest = hashlib.sha256()
    for path in sorted((ROOT / "models").glob("*.py")):
        digest.update(path.read_bytes())
    return f"{VERSION}+{digest.hexdigest()[:8]}"
