"""The numbers in docs/domain.md are those of the code."""

import re

import pytest

from core.datasets import overruled, sketches
from core.evaluation import leaderboard
from core.evaluation.cycles_seen import CYCLES_SEEN
from core.ingest import (
    build,
    end_of_life,
    file_rul,
    isolated_readings,
    label_sentences,
    mapping,
    splits,
)
from core.ingest.formats import mat
from core.leakage import columns, copies, digits, findings
from core.measures import bootstrap, coverage
from core.measures.metrics import LARGEST_SHARE, LIFE_MARGIN, SMALLEST_PCL
from core.studies import battery_table, early_life, row_split, row_split_fit
from core.studies import early_life_features as early_features
from core.studies import early_life_models as early_models
from core.training import twins
from core.training.features import USUAL_FEATURES
from models.algorithms import last_slope
from models.uncertainty import applicability, intervals
from tests.paths import ROOT

PROSE, TABLE = (ROOT / "docs" / "domain.md").read_text(encoding="utf-8").split("## Numbers")

CONSTANTS: dict[str, float] = {
    "end of life: threshold by default": mapping.ColumnMapping().eol_threshold,
    "end of life: smallest threshold": mapping.EOL_RANGE[0],
    "end of life: largest threshold": mapping.EOL_RANGE[1],
    "end of life: consecutive cycles by default": mapping.ColumnMapping().eol_consecutive,
    "end of life: tolerance at the threshold": end_of_life.TOLERANCE,
    "isolated reading: depth": isolated_readings.DEPTH,
    "isolated reading: rows on each side": isolated_readings.NEIGHBOURS,
    "isolated reading: steepness of a cut last row": isolated_readings.LAST_STEP_FACTOR,
    "isolated reading: too many, share of rows": isolated_readings.MOST_SHARE,
    "isolated reading: too many, at least": isolated_readings.FEWEST_OF_MANY,
    "RUL of the file: rows that must agree": file_rul.FEWEST_ROWS,
    "upload: PCL of the file agrees with capacity within": label_sentences.PCL_AGREES,
    "nominal capacity of the Severson cells, Ah": mat.NOMINAL_CAPACITY_AH,
    "features of a dataset at most": mapping.MAX_FEATURES,
    "features of a training unless others are chosen": USUAL_FEATURES,
    "upload: usual first capacity / nominal, from": build.USUAL_FIRST_SOH[0],
    "upload: usual first capacity / nominal, to": build.USUAL_FIRST_SOH[1],
    "upload: few cycles, below": build.SHORT_BATTERY_CYCLES,
    "upload: plausible PCL from": build.PLAUSIBLE_PCL[0],
    "upload: plausible PCL to": build.PLAUSIBLE_PCL[1],
    "metrics: smallest abs(PCL) in rmspe_pcl": SMALLEST_PCL,
    "metrics: largest percentage shown": LARGEST_SHARE,
    "metrics: margin of a cycle life": LIFE_MARGIN,
    "split: share of train": splits.DEFAULT_SHARES[0],
    "split: share of validation": splits.DEFAULT_SHARES[1],
    "split: share of test": splits.DEFAULT_SHARES[2],
    "Severson split: train": battery_table.SEVERSON_COUNTS[0],
    "Severson split: validation (primary test)": battery_table.SEVERSON_COUNTS[1],
    "Severson split: test (secondary test)": battery_table.SEVERSON_COUNTS[2],
    "interval: level": intervals.NOMINAL,
    "interval: fewest batteries": intervals.FEWEST_BATTERIES,
    "interval: folds": intervals.N_FOLDS,
    "coverage: level of the range by chance": 1 - 2 * coverage.TAIL,
    "unlike: first cycles looked at": applicability.EARLY_CYCLES,
    "unlike: nearest training batteries": applicability.NEIGHBOURS,
    "unlike: usual share": applicability.USUAL_SHARE,
    "unlike: fewest training batteries": applicability.FEWEST_BATTERIES,
    "floor: rows of the last slope": last_slope.ROWS,
    "floor: fewest rows of the last slope": last_slope.FEWEST_ROWS,
    "comparison: level": bootstrap.LEVEL,
    "comparison: draws": bootstrap.RESAMPLES,
    "comparison: fewest batteries": bootstrap.FEWEST_BATTERIES,
    "leaderboard: models at most": leaderboard.MOST_RANKED,
    "early prediction: first cycles by default": early_life.DEFAULT_K,
    "early prediction: first cycles at least": early_life.SMALLEST_K,
    "early prediction: first cycles at most": early_life.LARGEST_K,
    "early prediction: rows of a median": early_features.ROWS,
    "early prediction: fewest rows": early_features.MIN_ROWS,
    "early prediction: change since cycle": early_features.FIRST_CYCLE,
    "early prediction: fewest training batteries": battery_table.MIN_TRAIN,
    "early prediction: folds": early_models.FOLDS,
    "early prediction: repeats": early_models.REPEATS,
    "cycles seen: first": CYCLES_SEEN[0],
    "cycles seen: last": CYCLES_SEEN[-1],
    "random split: folds": row_split.FOLDS,
    "random split: cycles at most": row_split_fit.MAX_ROWS,
    "leakage: batteries looked at": findings.SAMPLED_BATTERIES,
    "leakage: same battery, share of capacities": copies.SAME_SHARE,
    "leakage: shared cycles, share of runs": copies.OVERLAP_RUN_SHARE,
    "leakage: capacities in a run": sketches.RUN_LENGTH,
    "leakage: medians equal within": copies.MEDIAN_TOLERANCE,
    "leakage: noise that another cell may share": digits.SHARED_NOISE,
    "leakage: fewest rows in which another cell would differ": digits.MIN_EXPECTED,
    "leakage: of such rows one may differ in a copy": digits.FEWER,
    "leakage: shortest reason": overruled.SHORTEST_REASON,
    "leakage: longest reason": overruled.LONGEST_REASON,
    "leakage: continuation below share of nominal capacity": copies.AGED_BELOW,
    "leakage: continuation, next capacity within": copies.NEXT_STEP,
    "leakage: correlation that tells the answer": columns.ENCODES,
    "leakage: correlation that equals capacity": columns.EQUALS,
    "leakage: share of batteries normalised": columns.NEARLY_ALL,
    "leakage: share of batteries filled up": columns.MOST,
    "leakage: rows that stand still": columns.PADDED_ROWS,
    "leakage: share of rows that stand still": columns.PADDED_SHARE,
    "twins: fewest seeds": twins.FEWEST_SEEDS,
    "twins: most seeds": twins.MOST_SEEDS,
}


def _rows() -> dict[str, str]:
    cells = re.findall(r"^\| ([^|]+?) \| ([^|]+?) \|$", TABLE, re.MULTILINE)
    assert cells[0] == ("name", "value")
    return dict(cells[1:])


def _number(text: str) -> float:
    plain = text.replace(",", "")
    return float(plain.removesuffix(" %")) / 100 if plain.endswith(" %") else float(plain)


def test_every_number_of_the_page_is_checked() -> None:
    assert set(_rows()) == set(CONSTANTS)


@pytest.mark.parametrize("name", CONSTANTS)
def test_numbers_are_those_of_the_code(name: str) -> None:
    assert _number(_rows()[name]) == pytest.approx(CONSTANTS[name], rel=1e-12)


@pytest.mark.parametrize("name", CONSTANTS)
def test_text_and_table_give_the_same_numbers(name: str) -> None:
    assert re.search(rf"(?<![\d.,]){re.escape(_rows()[name])}(?![\d%])", PROSE), name


def test_every_percentage_of_the_text_is_in_the_table() -> None:
    assert set(re.findall(r"-?\d[\d.]* %", PROSE)) <= set(_rows().values())
