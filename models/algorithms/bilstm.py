"""BiLSTM: a bidirectional LSTM over the last recorded cycles."""

import torch
from torch import Tensor, nn

from models.inputs.samples import Batch
from models.inputs.scaling import Scaler
from models.inputs.series import Task
from models.loop.network import Network, state_width
from models.settings.hyperparameters import BilstmSettings

# Besides the row, a step holds its distance to the last row, 1 if the row exists, and the cycle to
# predict, since the meaning of a feature depends on the age of the battery.
STEP_EXTRAS = 3
HEAD_UNITS = 64


class BiLSTM(Network):
    """Both directions' last states, the time asked for and the age of the state feed one head."""

    def __init__(self, hp: BilstmSettings, task: Task) -> None:
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
            nn.Linear(inputs, HEAD_UNITS),
            nn.Tanh(),
            nn.Linear(HEAD_UNITS, len(task.targets)),
        )

    def predict(self, batch: Batch) -> Tensor:
        """Return targets (B, T) in network units."""
        window = batch.window
        if window is None:
            raise TypeError("The BiLSTM needs the window of each row.")
        time = batch.time[:, None].expand(-1, window.shape[1], -1)
        _, (last_hidden, _) = self.lstm(torch.cat([window, time], dim=-1))
        both = torch.cat([last_hidden[-2], last_hidden[-1]], dim=1)
        outputs: Tensor = self.head(torch.cat([both, batch.clock], dim=1))
        return outputs


def build(hp: BilstmSettings, task: Task, scaler: Scaler) -> Network:
    """Return a new network of this algorithm."""
    return BiLSTM(hp, task)
