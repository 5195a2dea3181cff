"""Reads JSON files that users write by hand."""

import json
from pathlib import Path
from typing import Any

from core.base.errors import InvalidInput


def read_object(path: Path) -> dict[str, Any]:
    """Return the JSON object in a file; raises `InvalidInput` if there is none."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InvalidInput(f"There is no file at {path}.") from None
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise InvalidInput(f"{path} is not valid JSON: {error}.") from error
    if not isinstance(content, dict):
        raise InvalidInput(f"{path} must hold a JSON object, written in braces.")
    return content
