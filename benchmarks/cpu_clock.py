"""CPU seconds of this process and of the database thread that serves it, for a busy machine."""

import time
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.orm import Session

# The thread of a connection as the operating system numbers it, on Linux.
THREADS = {
    "mysql": "SELECT thread_os_id FROM performance_schema.threads "
    "WHERE processlist_id = connection_id()",
    "postgresql": "SELECT pg_backend_pid()",
}


def cpu_clock(session: Session) -> Callable[[], float]:
    """A clock of CPU seconds; of the server only where it runs on this machine.

    Raises
    ------
    OSError
        The server's thread is not among those of this machine.
    """
    query = THREADS.get(session.get_bind().dialect.name)
    if query is None:
        return time.process_time
    thread = session.scalar(text(query))
    # The first number: nanoseconds on a processor.
    spent = Path(f"/proc/{thread}/schedstat")
    spent.read_text()
    return lambda: time.process_time() + int(spent.read_text().split()[0]) / 1e9
