"""Predicts many questions with a network, chunk by chunk and without gradients."""

from collections.abc import Iterable, Iterator

import torch
from torch import Tensor

from models.inputs.samples import Batch, Questions, Rows, gather
from models.inputs.scaling import Scaler
from models.inputs.series import Task
from models.loop.network import Network

CHUNK_ROWS = 4_096


def in_chunks(
    rows: Rows, asked: Questions, scaler: Scaler, task: Task, window_length: int | None
) -> Iterator[Batch]:
    """Yield the inputs of the questions in order: at least one chunk, even if it is empty."""
    for start in range(0, max(len(asked), 1), CHUNK_ROWS):
        part = asked.part(slice(start, start + CHUNK_ROWS))
        yield gather(rows, part, scaler, task, window_length)


@torch.no_grad()
def answer(network: Network, batches: Iterable[Batch]) -> Tensor:
    """Return predictions (M, T) in network units; the network is left in evaluation mode."""
    network.eval()
    return torch.cat([network.predict(batch) for batch in batches])
