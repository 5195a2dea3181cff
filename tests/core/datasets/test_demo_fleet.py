"""The demonstration fleet: what it promises, and the same every time."""

import json

import numpy as np
import pandas as pd

from core.datasets.demo_fleet import DEMO_FLEET_NAME, make_demo_fleet
from core.ingest.labels import FEATURE_NAMES


def test_fleet_is_as_documented() -> None:
    fleet = make_demo_fleet()
    assert fleet.report["batteries"] == 24
    assert fleet.report["split"] == {"train": 14, "val": 5, "test": 5, "none": 0}
    assert fleet.report["censored"] == 0
    assert fleet.report["cycles"] <= 20_000
    assert fleet.report["warnings"] == []
    life = fleet.batteries["cycle_life"].to_numpy(np.int64)
    assert 240 <= life.min() <= 300
    assert 1450 <= life.max() <= 1650
    assert fleet.feature_schema.simulated is True
    assert fleet.feature_schema.name == DEMO_FLEET_NAME
    assert [f.name for f in fleet.feature_schema.features][:2] == ["slope", "intercept"]
    assert len(fleet.feature_schema.features) == 8
    json.dumps(fleet.feature_schema.to_json())


def test_same_seed_same_numbers() -> None:
    pd.testing.assert_frame_equal(make_demo_fleet().cycles, make_demo_fleet().cycles)
    assert not make_demo_fleet(seed=1).cycles.equals(make_demo_fleet(seed=2).cycles)


def test_cells_fade_with_a_knee() -> None:
    fleet = make_demo_fleet()
    lives = fleet.batteries["cycle_life"].to_numpy(np.int64)
    for code, life in zip(fleet.batteries["battery_code"], lives, strict=True):
        cell = fleet.cycles[fleet.cycles["battery_code"] == code]
        pcl = cell["pcl"].to_numpy()
        middle = (pcl[life // 2] - pcl[life // 4]) / (life // 4)
        end = (pcl[life - 5] - pcl[int(0.9 * life)]) / (0.1 * life)
        assert end > 2 * middle
        assert 0.01 < pcl[:5].mean() < 0.05


def test_every_feature_is_finite_and_noisy() -> None:
    cycles = make_demo_fleet().cycles
    features = cycles[list(FEATURE_NAMES)]
    assert np.isfinite(features).all(axis=None)
    assert (features.std() > 0).all()
    informative = features.corrwith(cycles["pcl"], method="spearman").abs()
    assert (informative > 0.3).all()
