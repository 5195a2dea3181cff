"""A simulated fleet, so that the first start shows fading cells before any upload.

24 lithium iron phosphate cells of 1.1 Ah, cycled to a little below 0.80 of it. Loss of capacity
of a cell with life L at cycle k, as a fraction of the nominal capacity:

    loss(k) = start + (0.20 - start) * (w_sqrt sqrt(k/L) + w_line k/L + w_knee knee(k))
    knee(k) = (exp((k - L)/tau) - exp(-L/tau)) / (1 - exp(-L/tau))

sqrt: growth of the film on the anode; line: loss of active material; knee: lithium plating late
in life (tau is 5-10 % of L). Cells are fast or slow because they are charged fast or slow, which
also warms them. The eight features carry the names, units and magnitudes of the Severson set and
follow from the loss, the resistance and the charging of each cell, with measurement noise.
"""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from core.ingest.build import IngestResult, assemble
from core.ingest.labels import label_cycles
from core.ingest.mapping import ColumnMapping, FeatureColumn
from core.ingest.splits import propose_split

DEMO_FLEET_NAME = "Demonstration fleet (simulated)"
NOMINAL_CAPACITY_AH = 1.1
N_CELLS = 24
SPLIT_COUNTS = (14, 5, 5)
LIFE_RANGE_CYCLES = (260, 1560)
EOL_LOSS = 0.20
CYCLES_BEYOND_LIFE = 1.03
NOTES = ("Simulated data: no battery was measured. Use it to try FadeBench, not to judge models.",)

_FEATURES = (
    ("slope", "Ah"),
    ("intercept", "1/Ah"),
    ("temperature_avg", "degC"),
    ("internal_resistance", "ohm"),
    ("charge_time", "min"),
    ("dqdv_max", "Ah/V"),
    ("dqdv_min", "Ah/V"),
    ("dqdv_variance", "(Ah/V)^2"),
)
_MAPPING = ColumnMapping(
    battery_column="battery_code",
    cycle_column="cycle",
    capacity_column="capacity_ah",
    features=tuple(FeatureColumn(name, unit, name) for name, unit in _FEATURES),
    nominal_capacity_ah=NOMINAL_CAPACITY_AH,
)


@dataclass(frozen=True)
class _Cell:
    """The parameters in which simulated cells differ."""

    code: str
    life_cycles: float
    start_loss: float
    shares: np.ndarray
    knee_width: float
    charge_time_min: float
    temperature_degc: float
    resistance_ohm: float
    spread: np.ndarray


def make_demo_fleet(seed: int = 20_240) -> IngestResult:
    """The fleet as a dataset ready to be stored; the same seed gives the same numbers."""
    generator = np.random.default_rng(seed)
    lives = np.geomspace(*LIFE_RANGE_CYCLES, N_CELLS) * generator.uniform(0.97, 1.03, N_CELLS)
    generator.shuffle(lives)
    cells = [_draw_cell(number, life, generator) for number, life in enumerate(lives, start=1)]
    raw = pd.concat([_simulate(cell, generator) for cell in cells], ignore_index=True)
    raw["battery_code"] = pd.Categorical(raw["battery_code"])
    labelled = label_cycles(raw, _MAPPING)
    roles = propose_split(labelled.batteries, seed=seed, shares=SPLIT_COUNTS)
    labelled.batteries["group_tag"] = labelled.batteries["battery_code"].map(roles).astype(object)
    result = assemble(labelled, _MAPPING, notes=NOTES)
    result.report["split_origin"] = "proposed"
    schema = result.feature_schema.changed(simulated=True, name=DEMO_FLEET_NAME)
    return replace(result, feature_schema=schema)


def _draw_cell(number: int, life_cycles: float, generator: np.random.Generator) -> _Cell:
    low, high = np.log(LIFE_RANGE_CYCLES)
    gentleness = (np.log(life_cycles) - low) / (high - low)
    shares = np.array([generator.uniform(0.18, 0.28), generator.uniform(0.22, 0.34), 0.0])
    shares[2] = 1.0 - shares.sum()
    return _Cell(
        code=f"sim-{number:02d}",
        life_cycles=life_cycles,
        start_loss=generator.uniform(0.015, 0.035),
        shares=shares,
        knee_width=generator.uniform(0.05, 0.10),
        charge_time_min=9.5 + 3.5 * gentleness + generator.normal(0, 0.25),
        temperature_degc=36.5 - 4.0 * gentleness + generator.normal(0, 0.5),
        resistance_ohm=0.0165 + generator.normal(0, 3e-4),
        spread=generator.normal(1.0, 0.02, len(_FEATURES)),
    )


def _simulate(cell: _Cell, generator: np.random.Generator) -> pd.DataFrame:
    """The raw frame (see `core.ingest.raw_frame`) of one cell."""
    cycle = np.arange(1, int(CYCLES_BEYOND_LIFE * cell.life_cycles) + 1, dtype=np.float64)
    loss, film = _loss(cell, cycle)
    noisy_loss = loss + generator.normal(0, 3e-4, len(cycle))
    frame = {
        "battery_code": cell.code,
        "file_row": np.arange(2, len(cycle) + 2, dtype=np.int32),
        "cycle": cycle,
        "capacity": NOMINAL_CAPACITY_AH * (1.0 - noisy_loss),
    }
    features = _features(cell, cycle, loss, film, generator)
    names = [f"feature_{position}" for position in range(1, len(_FEATURES) + 1)]
    return pd.DataFrame({**frame, **dict(zip(names, features, strict=True))})


def _loss(cell: _Cell, cycle: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Loss of capacity (fraction of nominal) and the growth of the film (0 to 1 at EOL)."""
    age = cycle / cell.life_cycles
    floor = np.exp(-1.0 / cell.knee_width)
    knee = (np.exp((age - 1.0) / cell.knee_width) - floor) / (1.0 - floor)
    film = np.sqrt(age)
    shape = cell.shares @ np.vstack([film, age, knee])
    return cell.start_loss + (EOL_LOSS - cell.start_loss) * shape, film


def _features(
    cell: _Cell,
    cycle: np.ndarray,
    loss: np.ndarray,
    film: np.ndarray,
    generator: np.random.Generator,
) -> list[np.ndarray]:
    """The eight features in the order of `_FEATURES`, with their noise."""
    rise = loss - cell.start_loss
    resistance = cell.resistance_ohm * (1.0 + 0.06 * film + 1.3 * rise)
    season = 0.6 * np.sin(2 * np.pi * cycle / 350.0 + generator.uniform(0, 2 * np.pi))
    heating = 90.0 * (resistance - cell.resistance_ohm) / cell.resistance_ohm / 10.0
    dqdv_min = -6.7 * (1.0 - 1.4 * rise - 0.04 * film)
    clean = [
        0.0102 * (1.0 - 1.5 * rise - 0.02 * film),
        0.0099 * (1.0 + 2.0 * rise + 0.07 * film),
        cell.temperature_degc + season + heating,
        resistance,
        cell.charge_time_min * (1.0 + 0.8 * rise + 0.02 * film),
        -0.133 * (1.0 - 0.9 * rise),
        dqdv_min,
        3.5 * (dqdv_min / -6.7) ** 2,
    ]
    noise = (0.004, 0.004, 0.003, 0.004, 0.006, 0.01, 0.005, 0.01)
    personal = (0, 1, 5, 6, 7)
    return [
        values * (cell.spread[i] if i in personal else 1.0) + _noise(values, noise[i], generator)
        for i, values in enumerate(clean)
    ]


def _noise(values: np.ndarray, share: float, generator: np.random.Generator) -> np.ndarray:
    return generator.normal(0, share * np.abs(values).mean(), len(values))
