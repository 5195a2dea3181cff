"""Reading in a process with limits: what comes back, and what becomes a sentence."""

import os
import sys
import time

import numpy as np
import pytest

from core.base.errors import BadFile, NotFound
from core.ingest.limited import memory_limit, run_within
from tests.core.ingest import limited_work as work

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="the limit is Linux's")


def test_the_result_comes_back() -> None:
    values = np.arange(5.0)
    assert run_within(500, 30, "a.csv", work.doubled, values).tolist() == [0, 2, 4, 6, 8]


def test_large_results_come_back() -> None:
    values = np.arange(3_000_000.0)
    assert run_within(900, 30, "a.csv", work.doubled, values)[-1] == 5_999_998


def test_errors_for_the_user_come_back_as_themselves() -> None:
    with pytest.raises(BadFile, match=r"^Cell B7 holds a date\.$"):
        run_within(500, 30, "a.csv", work.refuse, "B7")
    with pytest.raises(NotFound, match=r"^No such dataset\. It may"):
        run_within(500, 30, "a.csv", work.miss)


def test_a_defect_brings_its_traceback() -> None:
    with pytest.raises(RuntimeError, match="a defect") as caught:
        run_within(500, 30, "a.csv", work.fail)
    assert "limited_work.py" in str(caught.value)


@LINUX
def test_too_much_memory_is_a_sentence_here_and_in_the_child() -> None:
    with pytest.raises(BadFile, match=r"Reading a\.xlsx needed more than 400 MB of memory\. Save"):
        run_within(400, 30, "a.xlsx", work.allocate, 800)
    assert run_within(400, 30, "a.xlsx", work.allocate, 100) == 100_000_000


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
def test_deaths_by_signals_are_sentences() -> None:
    with pytest.raises(BadFile, match="needed more than 2 GB of memory"):
        run_within(2000, 30, "a.xlsx", work.abort_for_memory)
    with pytest.raises(BadFile, match=r"a\.xlsx cannot be read.*damaged"):
        run_within(2000, 30, "a.xlsx", work.crash)


def test_too_much_time_is_a_sentence_and_ends_the_process() -> None:
    start = time.monotonic()
    with pytest.raises(BadFile, match=r"Reading a\.csv took more than 2 seconds"):
        run_within(500, 2, "a.csv", work.sleep, 60.0)
    assert time.monotonic() - start < 20


def test_the_process_loads_no_network_library_and_no_web_framework() -> None:
    loaded = set(run_within(500, 30, "a.csv", work.modules))
    assert "numpy" in loaded
    assert not loaded & {"torch", "streamlit", "sqlalchemy", "sklearn"}


@LINUX
def test_the_limit_of_this_process_ends_with_the_block(monkeypatch: pytest.MonkeyPatch) -> None:
    import resource

    before = resource.getrlimit(resource.RLIMIT_AS)
    with (
        pytest.raises(BadFile, match=r"Reading b\.csv needed more than 2 GB"),
        memory_limit("b.csv"),
    ):
        work.allocate(4000)
    assert resource.getrlimit(resource.RLIMIT_AS) == before
