"""Answers of a network to many questions, in chunks, without gradients."""

import torch
from torch import Tensor

from models.network import Network
from models.samples import Questions, Rows, gather
from models.scaling import Scaler
from models.series import Task

CHUNK_ROWS = 4_096


@torch.no_grad()
def answer(network: Network, rows: Rows, asked: Questions, scaler: Scaler, task: Task) -> Tensor:
    """Return predictions (M, T) in network units; the network is left in evaluation mode."""
    network.eval()
    outputs = [
        network.predict(gather(rows, asked.take(index), scaler, task, network.window_length))
        for index in torch.arange(len(asked), device=rows.key.device).split(CHUNK_ROWS)
    ]
    return torch.cat(outputs) if outputs else rows.target[:0]
