"""BiLSTM: a bidirectional LSTM over the last recorded cycles."""

import torch
from torch import Tensor, nn

from models.config import Hyperparameters
from models.network import Network, state_width
from models.samples import Batch
from models.scaling import Scaler
from models.series import Task

# Beside the row itself, a step holds its distance to the last row and whether it is there.
STEP_EXTRAS = 2


class BiLSTM(Network):
    """Both directions' last states, the time asked for and the age of the state feed one head."""

    def __init__(self, hp: Hyperparameters, task: Task) -> None:
        super().__init__()
        self.window_length = hp.window_length
        self.lstm = nn.LSTM(
            state_width(task) + STEP_EXTRAS,
            hp.hidden_size,
            hp.num_layers,
            batch_first=True,
            dropout=hp.dropout if hp.num_layers > 1 else 0.0,
            bidirectional=True,
        )
        inputs = 2 * hp.hidden_size + 1 + int(task.is_forecast)
        self.head = nn.Sequential(
            nn.Dropout(hp.dropout),
            nn.Linear(inputs, hp.hidden_size),
            nn.Tanh(),
            nn.Linear(hp.hidden_size, len(task.targets)),
        )

    def predict(self, batch: Batch) -> Tensor:
        """Return targets (B, T) in network units."""
        _, (last_hidden, _) = self.lstm(batch.state)
        both = torch.cat([last_hidden[-2], last_hidden[-1]], dim=1)
        outputs: Tensor = self.head(torch.cat([both, batch.time, batch.age], dim=1))
        return outputs


def build(hp: Hyperparameters, task: Task, scaler: Scaler) -> Network:
    """Return a new network of this algorithm."""
    return BiLSTM(hp, task)
