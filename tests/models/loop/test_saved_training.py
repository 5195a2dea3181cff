"""A training that is saved between two epochs and continued gives the bits of an unbroken one."""

import io
from typing import Any

import pytest
import torch

from models.fast.dropout_masks import load_pools, save_pools
from models.fast.optimiser import AdamW
from models.inputs.samples import make_rows
from models.inputs.scaling import fit_scaler
from models.inputs.series import make_task
from models.loop.build import load_build
from models.loop.network_fitting import _collect, _learning_rates, _Setting, _train_epoch
from models.settings.resolving import resolve
from tests.models.fleet import FEATURES, make_fleet
from tests.models.model.test_fitting import FORECAST, SMALL

EPOCHS, BROKEN_AFTER = 6, 3
# Enough steps for the pools of masks to be drawn anew before and after the break.
SETTINGS: dict[str, Any] = {"epochs": EPOCHS, "batch_size": 10, "dropout": 0.3, "num_layers": 2}


class Training:
    """The loop's own epochs, on fresh objects."""

    def __init__(self, algorithm: str) -> None:
        hp = resolve(algorithm, SMALL | FORECAST | SETTINGS)
        task, fleet = make_task(("PCL", "RUL"), FEATURES, hp), make_fleet(2)
        scaler = fit_scaler(fleet, task)
        rows = make_rows(fleet, task, scaler, torch.device("cpu"))
        self.generator = torch.Generator().manual_seed(hp.seed)
        self.network = load_build(algorithm)(hp, task, scaler)
        self.optimiser = AdamW(self.network.parameter_groups(0.1))
        self.setting = _Setting(task, hp, scaler, rows, self.generator)
        self.rates = list(_learning_rates(hp, int(rows.known.any(dim=1).sum())))
        self.losses: list[dict[str, float]] = []

    def run(self, first: int, last: int) -> None:
        """Run the epochs from `first` up to `last`, without it."""
        for _ in range(first, last):
            examples = _collect(self.network, self.setting)
            rates = iter(self.rates[first::])
            found = _train_epoch(self.network, self.optimiser, rates, self.setting, examples)
            self.losses.append(found)

    def save(self) -> io.BytesIO:
        file = io.BytesIO()
        content = {
            "network": self.network.state_dict(),
            "optimiser": self.optimiser.save(),
            "masks": save_pools(self.network),
            "torch": torch.get_rng_state(),
            "loop": self.generator.get_state(),
        }
        torch.save(content, file)
        file.seek(0)
        return file

    def load(self, file: io.BytesIO, *, without: str = "") -> None:
        content = torch.load(file, weights_only=True)
        self.network.load_state_dict(content["network"])
        if without != "optimiser":
            self.optimiser.load(content["optimiser"])
        if without != "masks":
            load_pools(self.network, content["masks"])
        torch.set_rng_state(content["torch"])
        self.generator.set_state(content["loop"])


def _continued(algorithm: str, without: str = "") -> tuple[Training, Training]:
    """Return an unbroken training and one that was continued, perhaps without a part."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        unbroken = Training(algorithm)
        unbroken.run(0, BROKEN_AFTER)
        file = unbroken.save()
        unbroken.run(BROKEN_AFTER, EPOCHS)
        torch.manual_seed(99)
        continued = Training(algorithm)
        continued.load(file, without=without)
        continued.run(BROKEN_AFTER, EPOCHS)
    return unbroken, continued


def _is_same(one: Training, other: Training) -> bool:
    weights, others = one.network.state_dict(), other.network.state_dict()
    return all(torch.equal(value, others[name]) for name, value in weights.items())


@pytest.mark.parametrize("algorithm", ["BASELINE", "DEEPHPM", "VERHULST", "BILSTM"])
def test_a_continued_training_gives_the_bits_of_an_unbroken_one(algorithm: str) -> None:
    unbroken, continued = _continued(algorithm)
    assert continued.losses == unbroken.losses[BROKEN_AFTER:]
    assert _is_same(unbroken, continued)


@pytest.mark.parametrize("without", ["optimiser", "masks"])
def test_both_states_are_needed(without: str) -> None:
    assert not _is_same(*_continued("BASELINE", without))
