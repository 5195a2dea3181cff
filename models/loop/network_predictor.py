"""A trained network with its scales: it predicts in physical units and can be stored."""

from dataclasses import dataclass
from typing import Any

import torch

from models.inputs.predictor import Asked
from models.inputs.samples import Questions, make_rows
from models.inputs.scaling import Scaler
from models.inputs.series import BatterySeries, Floats, Task
from models.loop.build import load_build
from models.loop.inference import answer, in_chunks
from models.loop.network import Network
from models.settings.hyperparameters import Hyperparameters


@dataclass(frozen=True)
class NetworkPredictor:
    """A network and everything that its predictions depend on."""

    network: Network
    scaler: Scaler
    task: Task

    def predict(self, series: BatterySeries, asked: Asked) -> Floats:
        """Return (m, T) in physical units; uses the threads set for torch."""
        device = next(self.network.parameters()).device
        rows = make_rows([series], self.task, self.scaler, device)
        source = torch.as_tensor(asked.source, device=device)
        cycle = torch.as_tensor(asked.cycle, device=device)
        questions = Questions(source, cycle, source)
        window = self.network.window_length
        batches = in_chunks(rows, questions, self.scaler, self.task, window)
        scaled = answer(self.network, batches)
        return self.scaler.restore_targets(scaled.double().cpu().numpy())

    def content(self) -> dict[str, Any]:
        """Return the scales and the weights."""
        weights = {name: value.cpu() for name, value in self.network.state_dict().items()}
        return {"scaler": self.scaler.to_json(), "network": weights}

    def facts(self) -> dict[str, Any]:
        """Return learned values that a reader can understand."""
        return self.network.facts()


def restore_network(
    algorithm: str, content: dict[str, Any], hp: Hyperparameters, task: Task
) -> NetworkPredictor:
    """Rebuild a network from `content`, on the CPU."""
    scaler = Scaler.from_json(content["scaler"])
    with torch.random.fork_rng(devices=[]):
        network = load_build(algorithm)(hp, task, scaler)
    network.load_state_dict(content["network"])
    network.eval()
    return NetworkPredictor(network, scaler, task)
