"""Baseline: a perceptron on the current row and the cycle to predict."""

from torch import Tensor

from models.fast.door import make_perceptron
from models.inputs.samples import Batch
from models.inputs.scaling import Scaler
from models.inputs.series import Task
from models.loop.network import Losses, Network, point_width
from models.settings.hyperparameters import NetworkSettings


class Baseline(Network):
    """A multilayer perceptron."""

    def __init__(self, hp: NetworkSettings, task: Task) -> None:
        super().__init__()
        self.perceptron = make_perceptron(
            point_width(task), len(task.targets), hp.hidden_size, hp.num_layers, hp.dropout
        )

    def predict(self, batch: Batch) -> Tensor:
        """Return targets (B, T) in network units."""
        outputs: Tensor = self.perceptron(batch.points)
        return outputs

    def add_gradients(self, batch: Batch, target: Tensor, known: Tensor | None) -> Losses:
        """Return the loss of one batch and add its gradients, computed in closed form."""
        data = self.perceptron.add_gradients(batch.points, target, known)
        return Losses(data, data)


def build(hp: NetworkSettings, task: Task, scaler: Scaler) -> Network:
    """Return a new network of this algorithm."""
    return Baseline(hp, task)
