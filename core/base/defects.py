"""Errors that nobody foresaw: logged whole, and shown as one sentence with a reference."""

import logging
from uuid import uuid4

from core.base.errors import FadeBenchError
from models.settings.errors import ModelError

log = logging.getLogger(__name__)

# What is raised on purpose: its message says what to do next and is shown as it is.
ADVICE = (FadeBenchError, ModelError)


def report_defect(doing: str, error: Exception) -> str:
    """Log an error with its traceback, and return what the user is told of it.

    doing : what failed, as it reads behind "Something went wrong in"
    """
    reference = uuid4().hex[:8]
    log.error("Something went wrong in %s (reference %s).", doing, reference, exc_info=error)
    return (
        f"Something went wrong in {doing} (reference {reference}). The fault is FadeBench's; "
        "whoever runs this server finds the details under that reference in its log."
    )
