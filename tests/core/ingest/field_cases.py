"""Tables as people have them, and the right answer for each: what `test_field.py` walks through.

The files are those of the shared data's folder `field`; its README gives the right values, which
were computed apart from the product. To add a case, add the file and a line here.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

LIVES = {"C1": 201, "C2": 221, "C3": 241, "C4": 261}


@dataclass(frozen=True)
class Case:
    """One file and what must become of it.

    file : its name in the folder
    lives : cycle life of each battery, None = censored; None for the whole = not compared
    says : patterns, each in one sentence of the preview or of the report
    asks : fields of the mapping that the preview must ask for
    answers : fields of the mapping as its owner gives them, on top of the proposal
    refused : pattern of the refusal: by the preview, or by reading it as proposed
    """

    file: str
    lives: Mapping[str, int | None] | None = None
    says: tuple[str, ...] = ()
    asks: tuple[str, ...] = ()
    answers: Mapping[str, Any] = field(default_factory=dict)
    refused: str = ""


def _named(lives: Mapping[str, int | None], *codes: str) -> dict[str, int | None]:
    return dict(zip(codes, lives.values(), strict=True))


def _one(code: str) -> dict[str, int | None]:
    return {code: 201}


def _censored(*codes: str) -> dict[str, int | None]:
    return dict.fromkeys(codes)


# Read as proposed, with nothing to say that a test could hold on to.
PLAIN = [
    "base.csv",
    "bom.csv",
    "UPPER.CSV",
    "semicolon_decimal_comma.csv",
    "mixed_decimal_marks.csv",
    "utf8_chinese.csv",
    "utf8_chinese_mAh.csv",
    "qc_qd.csv",
    "arbin_summary_names.csv",
    "mAh_named.csv",
    "interleaved_by_cycle.csv",
    "trailing_empty_columns.csv",
    "trailing_empty_rows_only.csv",
    "cycle_floats.csv",
    "cycle_scientific.csv",
    "all_nan_columns.csv",
    "xlsx_text_decimal_comma.xlsx",
    "ids_trailing_space.csv",
    "zip_csv_macosx_readme.zip",
    "zip_columns_reordered.zip",
    "zip_one_semicolon.zip",
    "rounded_3_decimals.csv",
    "rounded_whole_mAh.csv",
    "soh_fraction.csv",
    "soh_percent_unnamed.csv",
    "blank_capacity_midlife.csv",
    "nasa_capacity_ahr.csv",
    "pipe.csv",
    "spaces.txt",
    "base.parquet",
]

CASES = [
    *(Case(name, LIVES) for name in PLAIN),
    Case("mAh_unnamed.csv", LIVES),
    Case("cycle_from_0.csv", {"C1": 200, "C2": 220, "C3": 240, "C4": 260}),
    Case("ids_leading_zeros.csv", _named(LIVES, "007", "07", "7", "7.0")),
    Case("ids_leading_zeros_text.xlsx", _named(LIVES, "007", "07", "7", "7.0")),
    Case("ids_numeric.xlsx", _named(LIVES, "1", "2", "3", "4")),
    Case("ids_case_and_sci.csv", _named(LIVES, "1e3", "1000", "Cell A", "cell a")),
    Case("rounded_2_decimals.csv", {"C1": 203, "C2": 223, "C3": 244, "C4": 264}),
    Case("rounded_2_decimals_2Ah.csv", {"C1": 202, "C2": 222, "C3": 242, "C4": 262}),
    Case("rdbraatz9_cycle_life_column.csv", _censored(*LIVES)),
    Case(
        "rdbraatz9_cycle_life_column.csv",
        LIVES,
        says=("cycle_life",),
        answers={"life_column": "cycle_life"},
    ),
    # Single low or zero readings, and records that alternate.
    Case("isolated_dip_at_90.csv", LIVES, says=(r"90",)),
    Case("zero_capacity_midlife.csv", LIVES, says=(r"77",)),
    Case("zero_capacity_cycles.csv", LIVES, says=(r"isolated",)),
    Case("navani31_every_other_halved.csv", _censored(*LIVES), says=(r"every other|alternat",)),
    Case("rpt_mixed_rates.csv", says=(r"alternat|every \d+|check-up",)),
    Case(
        "recovery_crossings.csv",
        {"C1": 205, "C2": 221, "C3": 241, "C4": 261},
        says=(r"C2.*C3",),
    ),
    Case("never_eol.csv", _censored(*LIVES)),
    Case("formation_first3_low.csv", LIVES, says=(r"first|formation",)),
    # Sizes and units.
    *(
        Case(
            name,
            LIVES,
            asks=("capacity_unit",),
            answers={"capacity_unit": "mAh", "nominal_capacity_ah": nominal_ah},
        )
        for name, nominal_ah in (
            ("coin_mAh_unnamed.csv", 0.0045),
            ("coin_0p8mAh_unnamed.csv", 0.0008),
        )
    ),
    Case("specific_capacity.csv", refused=r"mAh/g|per gram"),
    Case("specific_capacity2.csv", refused=r"mAh/g|per gram"),
    Case("big_280Ah_named.csv", LIVES),
    Case("big_280Ah_unnamed.csv", LIVES, asks=("capacity_unit",), answers={"capacity_unit": "Ah"}),
    Case(
        "baticm12_145Ah_unnamed.csv",
        {"C1": 200, "C2": 220, "C3": 240, "C4": 260},
        asks=("capacity_unit",),
        answers={"capacity_unit": "Ah"},
    ),
    Case(
        "baticm12_145Ah_unnamed.csv",
        {"C1": 163, "C2": 179, "C3": 195, "C4": 211},
        answers={"capacity_unit": "Ah", "nominal_capacity_ah": 145.0},
    ),
    Case("oxford_740mAh_unnamed.csv", LIVES),
    *(
        Case(f"{name}.csv", LIVES)
        for name in (
            "capacity_normalised",
            "capacity_percent_brackets",
            "capacity_percent_named",
            "capacity_percent_unnamed",
            "soh_percent_sign_cells",
        )
    ),
    *(
        Case(name, LIVES)
        for name in (
            "quoted_thousands_comma_mAh.csv",
            "quoted_thousands_comma_integer_mAh.csv",
            "semicolon_thousands_comma_integer_mAh.csv",
            "semicolon_thousands_point_mAh.csv",
            "tab_thousands_comma_integer_mAh.tsv",
            "thousands_point_integer_mAh.csv",
        )
    ),
    Case("pcl_percent_unnamed.csv", LIVES),
    # Text around the numbers.
    Case("units_in_cells.csv", LIVES),
    Case("fullwidth_digits.csv", LIVES),
    Case("units_row.csv", LIVES, says=(r"units",)),
    Case("merged_header.xlsx", LIVES),
    Case("header_repeated_midfile.csv", LIVES, says=(r"302|header",)),
    Case("title_rows_above.csv", LIVES, says=(r"above|title",)),
    Case("hash_comments.csv", LIVES, says=(r"comment",)),
    Case("sep_line_excel.csv", LIVES),
    Case("utf16.csv", LIVES, says=(r"UTF-16",)),
    Case("comma_sep_decimal_comma_quoted.csv", {"C1": 201}),
    Case("comma_sep_decimal_comma_unquoted.csv", refused=r"decimal comma"),
    Case("csv_number_turned_date.csv", refused=r"row 7.*01\.Jan.*date|date.*row 7"),
    Case("xlsx_number_turned_date.xlsx", refused=r"row 7.*date|date.*row 7"),
    Case("xlsx_formula_without_cache.xlsx", refused=r"formula"),
    # Sparse columns.
    Case("capacity_only_at_rpt.csv", {"C1": 201, "C2": 251, "C3": 251, "C4": None}),
    Case("sparse_checkups.csv", {"S0": 2000, "S1": 2100, "S2": 2200, "S3": 2300}),
    Case("capacity_only_copied.csv", LIVES, says=(r"cap_copy",)),
    Case("feature_sparse_ir.csv", LIVES, says=(r"ir_ohm",)),
    Case("feature_nan_first30.csv", LIVES, says=(r"ir_ohm",)),
    Case("some_nan_feature.csv", LIVES, says=(r"ir_ohm",)),
    # What is missing.
    Case("charge_capacity_only.csv", refused=r"discharge capacity"),
    Case("energy_only.csv", refused=r"(discharge )?capacity"),
    Case("efc_only.csv", refused=r"cycle number|equivalent full cycles"),
    Case("date_as_cycle.csv", refused=r"date"),
    Case("date_as_cycle.xlsx", refused=r"date"),
    Case("date_no_cycle.csv", says=(r"[Dd]ate",)),
    Case("cycle_half.csv", refused=r"(?i)half|whole"),
    Case("yadg150_cycle_blank_after_first.csv", says=(r"blank|cycle",)),
    # Several rows a cycle, counters that start again, wide tables.
    Case(
        "yunweizhang2_oxred_two_rows.txt",
        _one("yunweizhang2_oxred_two_rows"),
        says=(r"(?i)discharge",),
    ),
    Case(
        "counter_reset_single.csv",
        _one("counter_reset_single"),
        asks=("parts",),
        answers={"parts": "join"},
    ),
    Case("seam_six_cycles_repeated.csv", _one("C1"), says=(r"6",), answers={"parts": "join"}),
    Case("seam_six_cycles_remeasured.csv", _one("C1"), says=(r"6",), answers={"parts": "join"}),
    Case("wide_capacity_by_cell.csv", LIVES, says=(r"(?i)wide|one column",)),
    Case("wide_rows_cells.csv", LIVES, says=(r"(?i)wide|one row",)),
    Case("side_by_side.csv", LIVES, says=(r"(?i)side by side|wide",)),
    # Nominal capacity in a column, or two sizes of cells.
    Case("nominal_capacity_column.csv", LIVES, says=(r"nominal_capacity_ah",)),
    Case(
        "nominal_per_cell_column.csv",
        {"LC1": 201, "LC2": 221, "XC1": 201, "XC2": 221},
        says=(r"nominal_capacity",),
    ),
    Case("mixed_nominal.csv", says=(r"(?i)two sizes|different sizes|sizes",)),
    Case("arbin_cumulative_capacity.csv", LIVES, says=(r"never reset",)),
    # Labels of the file.
    Case("rul_given_ok.csv", LIVES),
    Case(
        "rul_off_by_one.csv",
        {"C1": 202, "C2": 222, "C3": 242, "C4": 262},
        says=(r"222 in the file, 221 by capacity",),
    ),
    Case("rul_negative_after_eol.csv", LIVES),
    Case("rul_zero_after_eol.csv", LIVES),
    Case("batterylife13_negative_life.csv", LIVES, says=(r"C2",)),
    Case("rul_clipped_125.csv", LIVES, says=(r"125",)),
    Case("rul_zero_long_tail.csv", {"Z1": 151, "Z2": 161}),
    Case("rul_percent_whole_numbers.csv", refused=r"percent|%"),
    Case("rul_normalised.csv", refused=r"(?i)cycles"),
    Case("with_index_column.csv", LIVES, says=(r"column 1",)),
    Case("dup_header_capacity.csv", LIVES, says=(r"capacity \(2\)",)),
    Case("trailing_note_without_header.csv", LIVES, says=(r"without a? ?(name|header)|note",)),
    Case("battery_id_only_first_row.csv", LIVES, says=(r"(?i)filled|first row",)),
    Case("batteryml36_one_cell_x2.csv", says=(r"C3",)),
    Case("zip_one_lacks_column.zip", LIVES, says=(r"charge_time|tavg|ir_ohm|lacks",)),
    Case("zip_of_xlsx.zip", LIVES),
    # Other containers.
    Case("base.json", refused=r"JSON"),
    Case("v73_header.mat", refused=r"7\.3|HDF5"),
    Case("v4.mat", refused=r"(?i)MATLAB.*4|version 4"),
    Case("flat_table.mat", {"flat_table": 74}),
    Case("B0005.csv", _one("B0005")),
    Case("B0005.mat", _censored("B0005")),
    Case("Oxford_like.mat"),
    Case(
        "real_isea_RWTH_Dataset_trim.xlsx",
        answers={"nominal_capacity_ah": 1.85},
        says=(r"(?i)wide|pairs|side by side",),
    ),
]
