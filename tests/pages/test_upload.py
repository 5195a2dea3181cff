"""The upload page: a file comes in, its columns are confirmed, it is read, retried or deleted."""

import io
import time
from typing import Any

import numpy as np
import pandas as pd
from streamlit.testing.v1 import AppTest

from core.access.actor import CurrentUser
from core.base.database import read_scope, session_scope
from core.datasets import uploads
from core.datasets.datasets import set_split
from core.jobs.supervisor import Supervisor
from tests.pages.conftest import run_page, texts
from tests.pages.test_datasets import press
from tests.paths import SHARED_DATA, needs_shared_data

WORK_TIMEOUT_S = 120


def cells(n_cycles: int = 60, broken: bool = False) -> bytes:
    """A CSV of three fading cells; with `broken` two of their rows cannot be used."""
    cycle = np.tile(np.arange(1, n_cycles + 1), 3)
    frame = pd.DataFrame(
        {
            "cell": np.repeat(["a", "b", "c"], n_cycles),
            "cycle": cycle,
            "capacity_ah": 1.08 - 0.005 * cycle,
            "temperature_c": 30.0 + 0.01 * cycle,
        }
    )
    if broken:
        frame.loc[[3, 70], "temperature_c"] = np.inf
    return frame.to_csv(index=False).encode()


def receive(user: CurrentUser, content: bytes, name: str = "cells.csv") -> int:
    """Store a file as the page does."""
    with session_scope() as session:
        return uploads.receive_upload(session, user, name, io.BytesIO(content))


def read_now(user: CurrentUser) -> None:
    """Let the supervisor work until no upload waits or runs."""
    deadline = time.monotonic() + WORK_TIMEOUT_S

    def done() -> bool:
        with read_scope() as session:
            active = any(info.is_active for info in uploads.list_uploads(session, user))
        return not active or time.monotonic() > deadline

    Supervisor().run(done)


def info_of(user: CurrentUser, upload_id: int) -> uploads.UploadInfo:
    """The upload as it is now."""
    with read_scope() as session:
        return uploads.get_upload_info(session, user, upload_id)


def labels(test: AppTest) -> list[str]:
    """Labels of the buttons on the page."""
    return [button.label for button in test.button]


def test_a_chosen_file_is_stored_at_once(user: CurrentUser) -> None:
    test = run_page("upload", user)

    test.file_uploader[0].set_value(("cells.csv", cells(), "text/csv")).run()

    assert not test.exception
    with read_scope() as session:
        assert [i.original_filename for i in uploads.list_uploads(session, user)] == ["cells.csv"]


def test_list_of_uploads_says_what_each_waits_for(user: CurrentUser) -> None:
    receive(user, cells())

    table = run_page("upload", user).dataframe[0].value

    assert list(table["File"]) == ["cells.csv"]
    assert list(table["State"]) == ["Waits for your columns"]


def test_mapping_read_and_result(user: CurrentUser) -> None:
    upload_id = receive(user, cells())
    test = run_page("upload", user, {"upload": upload_id})
    assert "First capacity 1.075 Ah, over nominal capacity: **0.977**" in texts(test)

    press(test, "Read file")
    assert "Cancel" in labels(test)
    read_now(user)

    test = run_page("upload", user, {"upload": upload_id})
    assert [metric.value for metric in test.metric] == ["3", "180", "100 %", "68.3 %", "0"]
    assert "Open dataset" in labels(test)
    assert "have been changed since" not in texts(test)


def test_the_result_says_when_the_dataset_was_changed_later(user: CurrentUser) -> None:
    upload_id = receive(user, cells())
    press(run_page("upload", user, {"upload": upload_id}), "Read file")
    read_now(user)
    dataset_id = info_of(user, upload_id).dataset_id
    assert dataset_id is not None
    with session_scope() as session:
        set_split(session, user, dataset_id, dict.fromkeys(["a", "b", "c"], "test"))

    test = run_page("upload", user, {"upload": upload_id})

    assert "have been changed since" in texts(test)


def test_columns_in_use_are_not_offered_as_features(user: CurrentUser) -> None:
    upload_id = receive(user, cells())
    test = run_page("upload", user, {"upload": upload_id})
    rul = next(box for box in test.selectbox if box.label.startswith("RUL"))

    rul.set_value("temperature_c").run()

    assert not test.exception
    offered = next(table.value for table in test.dataframe if "Use" in table.value)
    assert offered.empty


def test_a_mapping_that_cannot_be_used_is_refused_inline(user: CurrentUser) -> None:
    upload_id = receive(user, cells())
    test = run_page("upload", user, {"upload": upload_id})

    next(i for i in test.number_input if i.label.startswith("Nominal")).set_value(0.0).run()

    assert "Enter the nominal capacity" in texts(test)
    assert next(b for b in test.button if b.label == "Read file").disabled


def read_button(test: AppTest) -> Any:
    """The button that reads the file."""
    return next(button for button in test.button if button.label == "Read file")


def field_file(user: CurrentUser, name: str) -> int:
    """Upload one of the tables as people have them."""
    return receive(user, (SHARED_DATA / "field" / name).read_bytes(), name)


@needs_shared_data
def test_a_unit_that_only_the_user_knows_is_asked_before_the_file_is_read(
    user: CurrentUser,
) -> None:
    upload_id = field_file(user, "coin_mAh_unnamed.csv")
    test = run_page("upload", user, {"upload": upload_id})
    assert "is it Ah or mAh?" in texts(test)
    assert "Answer the question on the left first" in texts(test)
    assert read_button(test).disabled

    next(box for box in test.selectbox if box.label == "Answer").set_value("mAh").run()

    assert not read_button(test).disabled
    assert "First capacity 0.0045 Ah, over nominal capacity: **1.000**" in texts(test)
    read_button(test).click().run()
    read_now(user)
    info = info_of(user, upload_id)
    assert info.status == "SUCCEEDED", info.error_message
    assert info.mapping is not None
    assert (info.mapping.capacity_unit, info.mapping.nominal_capacity_ah) == ("mAh", 0.0045)


def test_the_threshold_moves_lives_and_says_who_nearly_ends(user: CurrentUser) -> None:
    upload_id = receive(user, cells(39))
    test = run_page("upload", user, {"upload": upload_id})
    assert "0 of 3 batteries reach end of life at 80 %. 3 of 3 stop at 80.5 %" in texts(test)
    assert "at 81 % all 3 have a life" in texts(test)

    next(i for i in test.number_input if i.label.startswith("End of life")).set_value(85.0).run()

    assert "3 of 3 batteries reach end of life at 85 %" in texts(test)
    table = next(t.value for t in test.dataframe if "End of life (cycle)" in t.value)
    assert list(table["End of life (cycle)"]) == [30, 30, 30]


@needs_shared_data
def test_a_wide_table_is_turned_and_what_is_not_used_is_said(user: CurrentUser) -> None:
    upload_id = field_file(user, "side_by_side.csv")
    test = run_page("upload", user, {"upload": upload_id})
    assert "4 batteries, each read by itself" in texts(test)
    read_button(test).click().run()
    read_now(user)
    info = info_of(user, upload_id)
    assert info.status == "SUCCEEDED", info.error_message
    assert info.report is not None
    assert (info.report["batteries"], info.report["censored"]) == (4, 0)

    unused = run_page("upload", user, {"upload": field_file(user, "all_nan_columns.csv")})
    assert "is empty" in texts(unused)


@needs_shared_data
def test_half_cycles_are_refused_before_reading_without_an_offer_to_drop(
    user: CurrentUser,
) -> None:
    upload_id = field_file(user, "cycle_half.csv")
    test = run_page("upload", user, {"upload": upload_id})
    assert "half or equivalent full cycles" in texts(test)
    read_button(test).click().run()
    read_now(user)
    test = run_page("upload", user, {"upload": upload_id})
    assert info_of(user, upload_id).status == "FAILED"
    assert "Leave these rows out and read again" not in labels(test)


def test_unusable_rows_stop_and_may_be_left_out(user: CurrentUser) -> None:
    upload_id = receive(user, cells(broken=True))
    press(run_page("upload", user, {"upload": upload_id}), "Read file")
    read_now(user)
    test = run_page("upload", user, {"upload": upload_id})
    assert "2 rows cannot be used" in texts(test)
    assert list(test.dataframe[0].value["Battery"]) == ["a", "b"]
    assert "Read file" in labels(test)

    press(test, "Leave these rows out and read again")
    read_now(user)

    info = info_of(user, upload_id)
    assert (info.status, info.report and info.report["dropped_rows"]) == ("SUCCEEDED", 2)
    test = run_page("upload", user, {"upload": upload_id})
    assert list(test.dataframe[0].value["Row in the file"]) == [5, 72]


def test_cancelled_reading_can_be_repeated(user: CurrentUser) -> None:
    upload_id = receive(user, cells())
    test = run_page("upload", user, {"upload": upload_id})
    press(test, "Read file")

    press(test, "Cancel")

    assert "You cancelled the reading" in texts(test)
    assert "Read file" in labels(test)


def test_a_file_of_a_wrong_kind_fails_and_is_kept(user: CurrentUser) -> None:
    upload_id = receive(user, b"MATLAB 7.3 MAT-file" + b" " * 600, "cells.mat")

    test = run_page("upload", user, {"upload": upload_id})

    assert "MATLAB v7.3" in texts(test)
    assert info_of(user, upload_id).status == "FAILED"
    assert labels(test) == ["Delete upload"]
    assert len(test.get("download_button")) == 1


def test_deleting_asks_for_the_name(user: CurrentUser) -> None:
    upload_id = receive(user, cells())
    test = run_page("upload", user, {"upload": upload_id})

    press(test, "Delete upload")

    assert "**cells.csv**" in texts(test)
    assert next(b for b in test.button if b.label == "Delete for good").disabled


def test_what_belongs_to_another_does_not_exist(user: CurrentUser, stranger: CurrentUser) -> None:
    upload_id = receive(user, cells())

    seen = texts(run_page("upload", stranger, {"upload": upload_id}))

    assert "No such upload" in seen
    assert "cells" not in seen
    assert not run_page("upload", stranger).dataframe


@needs_shared_data
def test_the_severson_file_needs_no_choice(user: CurrentUser) -> None:
    content = (SHARED_DATA / "severson" / "SeversonBattery.mat").read_bytes()
    upload_id = receive(user, content, "SeversonBattery.mat")

    test = run_page("upload", user, {"upload": upload_id})

    assert "every column is known" in texts(test)
    assert not next(b for b in test.button if b.label == "Read file").disabled
