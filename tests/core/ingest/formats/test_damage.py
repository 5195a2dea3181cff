"""Files cut off, with flipped bits or of random bytes: a sentence, or a table, never else."""

import gzip
import io
import zipfile
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.io import savemat

from core.base.errors import BadFile, FadeBenchError
from core.ingest.formats.readers import read_tables
from core.ingest.limited import run_within
from core.ingest.limits import Limits

FRAME = pd.DataFrame({"cell": ["A", "B"] * 20, "cycle": range(40), "q": np.linspace(1, 2, 40)})
SMALL = Limits(max_decompressed_bytes=20_000_000)


def _csv() -> bytes:
    return FRAME.to_csv(index=False).encode()


def _zip() -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.csv", _csv())
    return stream.getvalue()


def _xlsx() -> bytes:
    stream = io.BytesIO()
    FRAME.to_excel(stream, index=False)
    return stream.getvalue()


def _parquet() -> bytes:
    stream = io.BytesIO()
    FRAME.to_parquet(stream)
    return stream.getvalue()


def _mat() -> bytes:
    stream = io.BytesIO()
    record = np.empty(1, dtype=[("type", "O"), ("data", "O")])
    record[0] = ("discharge", {"Capacity": 1.9})
    savemat(stream, {"B1": {"cycle": record}, "x": np.arange(4.0), "y": np.arange(4.0)})
    return stream.getvalue()


SOUND: dict[str, Callable[[], bytes]] = {
    "a.csv": _csv,
    "a.csv.gz": lambda: gzip.compress(_csv()),
    "a.zip": _zip,
    "a.xlsx": _xlsx,
    "a.parquet": _parquet,
    "a.mat": _mat,
}
CONTENTS = {name: make() for name, make in SOUND.items()}


def _read(name: str, content: bytes) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "file"
        path.write_bytes(content)
        try:
            read_tables(path, name, SMALL)
        except FadeBenchError as error:
            assert str(error).endswith(".")


@pytest.mark.parametrize("name", SOUND)
def test_the_sound_files_are_read(name: str, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(CONTENTS[name])
    assert read_tables(path, name, SMALL).tables


@pytest.mark.parametrize("name", SOUND)
@settings(max_examples=25, deadline=None)
@given(share=st.floats(0, 1))
def test_files_cut_off(name: str, share: float) -> None:
    content = CONTENTS[name]
    _read(name, content[: int(share * len(content))])


@pytest.mark.parametrize("name", SOUND)
@settings(max_examples=40, deadline=None)
@given(flips=st.lists(st.tuples(st.floats(0, 0.999), st.integers(1, 255)), min_size=1, max_size=6))
def test_files_with_flipped_bits(name: str, flips: list[tuple[float, int]]) -> None:
    content = bytearray(CONTENTS[name])
    for share, bits in flips:
        content[int(share * len(content))] ^= bits
    _read(name, bytes(content))


@pytest.mark.parametrize("name", SOUND)
@settings(max_examples=25, deadline=None)
@given(content=st.binary(max_size=400))
def test_random_bytes_behind_a_right_start(name: str, content: bytes) -> None:
    _read(name, CONTENTS[name][:140] + content)
    _read(name, content)


def _sheet(rows: str) -> bytes:
    """A workbook whose only sheet has these rows, as XML."""
    source = zipfile.ZipFile(io.BytesIO(CONTENTS["a.xlsx"]))
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as target:
        for name in source.namelist():
            content = source.read(name)
            if name == "xl/worksheets/sheet1.xml":
                space = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
                text = f'<worksheet xmlns="{space}"><sheetData>{rows}</sheetData></worksheet>'
                content = text.encode()
            target.writestr(name, content)
    return stream.getvalue()


@pytest.mark.parametrize("quote", ['"', "'"])
def test_a_sheet_that_reaches_far_to_the_right_is_refused_in_time(
    quote: str, tmp_path: Path
) -> None:
    """43 kB of such cells made the reader of workbooks allocate 2.5 GB."""
    rows = "".join(
        f'<row r="{r}"><c r="A{r}"><v>1</v></c><c r={quote}XFD{r}{quote}><v>1</v></c></row>'
        for r in range(1, 5001)
    )
    path = tmp_path / "a.xlsx"
    path.write_bytes(_sheet(rows))
    with pytest.raises(BadFile, match=r"16,384|XFD|memory"):
        run_within(700, 60, "a.xlsx", read_tables, path, "a.xlsx")


def test_nine_thousand_columns_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    header = ",".join(f"c{i}" for i in range(9003))
    path.write_text(header + "\n" + ",".join(["1"] * 9003) + "\n")
    with pytest.raises(BadFile, match=r"9,003 columns"):
        read_tables(path, "a.csv")


def test_an_archive_made_to_exhaust_memory_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.csv", b"a,b\n" + b"1,2\n" * 8_000_000)
    with pytest.raises(BadFile, match="times its size"):
        read_tables(path, "a.zip")
