"""Value and derivatives of a tanh perceptron, and their gradients, in closed form.

`models/fast/jet_layers.py` has the formulas of a layer. One node of the graph holds a whole
perceptron: differentiating the same formulas step by step keeps and moves about three times as
many arrays. Rows go through all layers in blocks that stay in the processor's cache.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import once_differentiable
from torch.nn.functional import pad

from models.fast.jet_layers import (
    PARTS,
    Hidden,
    few_columns,
    hidden,
    hidden_along,
    hidden_back,
    hidden_values,
    inputs_back,
    last_sums,
    sum_rows,
    weight_gradient,
)

# Numbers in one array of a block: of 2^15 to 2^18 the fastest, by little (1 MB of cache a core).
BLOCK_NUMBERS = 1 << 17


def propagate(
    inputs: Tensor,
    direction: Tensor | None,
    weights: Sequence[Tensor],
    offsets: Sequence[Tensor],
    masks: Sequence[Tensor] | None,
    scale: float,
) -> Tensor:
    """Return the streams of the outputs, (K, B, O); their gradients exist, but only once.

    Parameters
    ----------
    inputs: (K, B, I) streams; or (B, I) values that all move along `direction` (I,), which needs
        no gradient: then K is 3; or, without a direction, only values: then (B, O) is returned.
    weights, offsets: of each layer, the last of which has no tanh.
    masks: (padded_rows(B), H) for each hidden layer, what dropout multiplies its units by, 0 or
        `scale`; None without.
    """
    is_plain = direction is None and masks is None and inputs.dim() == 2
    if is_plain and not torch.is_grad_enabled():
        return _values(inputs, weights, offsets)
    settings = (masks, scale, len(weights))
    outputs: Tensor = _Propagation.apply(inputs, direction, *settings, *weights, *offsets)
    return outputs


def padded_rows(n_rows: int) -> int:
    """Return the number of rows, completed so that all parts have the same."""
    return -(-n_rows // PARTS) * PARTS


def _values(inputs: Tensor, weights: Sequence[Tensor], offsets: Sequence[Tensor]) -> Tensor:
    """Return the outputs (B, O) of inputs (B, I), and keep nothing for a way back."""
    block = _parts(inputs[None])
    for weight, offset in zip(weights[:-1], offsets[:-1], strict=True):
        block = hidden_values(block, weight, offset)
    return _whole(last_sums(block, weights[-1], offsets[-1]), len(inputs))[0]


@dataclass(frozen=True)
class BlockTrace:
    """One block's inputs (P, K, b, I) and what its hidden layers gave."""

    inputs: Tensor
    layers: list[Hidden]


@dataclass(frozen=True)
class Trace:
    """What the way back needs beside the weights.

    direction: (I,) or None, along which all inputs move; scale: of dropout; block_rows: the
    rows of each block but the last; only_rows: whether the inputs were (B, I).
    """

    direction: Tensor | None
    scale: float
    only_rows: bool
    block_rows: int
    blocks: list[BlockTrace]


class _Propagation(Function):
    @staticmethod
    def forward(
        ctx: Any,
        inputs: Tensor,
        direction: Tensor | None,
        masks: Sequence[Tensor] | None,
        scale: float,
        depth: int,
        *parameters: Tensor,
    ) -> Tensor:
        weights, offsets = parameters[:depth], parameters[depth:]
        ctx.save_for_backward(*weights)
        outputs, ctx.trace = trace_through(inputs, direction, weights, offsets, masks, scale)
        return outputs

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *upstream: Tensor) -> tuple[Tensor | None, ...]:
        # Dropped here: otherwise losses kept for a report would keep all arrays in memory.
        weights, trace, ctx.trace = ctx.saved_tensors, ctx.trace, None
        found = trace_back(trace, weights, upstream[0], of_inputs=ctx.needs_input_grad[0])
        of_weights, of_offsets, of_inputs = found
        return (of_inputs, None, None, None, None, *of_weights, *of_offsets)


def trace_through(
    inputs: Tensor,
    direction: Tensor | None,
    weights: Sequence[Tensor],
    offsets: Sequence[Tensor],
    masks: Sequence[Tensor] | None,
    scale: float,
) -> tuple[Tensor, Trace]:
    """Return what `propagate` does, outside of any graph, and what `trace_back` needs."""
    only_rows = inputs.dim() == 2
    block_rows = padded_rows(max(1, BLOCK_NUMBERS // len(weights[0])))
    streams = inputs[None] if only_rows else inputs
    blocks, outputs = [], []
    for number, part in enumerate(_blocks(streams, block_rows)):
        block = _parts(part)
        trace = BlockTrace(block, [])
        first_row = number * block_rows
        for layer, (weight, offset) in enumerate(zip(weights[:-1], offsets[:-1], strict=True)):
            mask = None if masks is None else _mask(masks[layer], first_row, block)
            if layer == 0 and direction is not None:
                found = hidden_along(block, direction, weight, offset, mask, scale)
            else:
                found = hidden(block, weight, offset, mask, scale)
            trace.layers.append(found)
            block = found.outputs
        blocks.append(trace)
        outputs.append(_whole(last_sums(block, weights[-1], offsets[-1]), part.shape[1]))
    joined = torch.cat(outputs, dim=1) if len(outputs) > 1 else outputs[0]
    whole = joined[0] if only_rows and direction is None else joined
    return whole, Trace(direction, scale, only_rows, block_rows, blocks)


def trace_back(
    trace: Trace, weights: Sequence[Tensor], upstream: Tensor, *, of_inputs: bool = False
) -> tuple[list[Tensor], list[Tensor], Tensor | None]:
    """Return the gradients of weights, offsets and, if wanted, inputs.

    upstream: that of the outputs, in their shape.
    """
    sums: list[Tensor] = []
    parts_of_inputs = []
    streams = upstream if upstream.dim() == 3 else upstream[None]
    for part, block in zip(_blocks(streams, trace.block_rows), trace.blocks, strict=True):
        of_weights, of_offsets, gradient = _block_back(trace, block, weights, _parts(part))
        _collect(sums, [*of_weights, *of_offsets])
        if of_inputs:
            few = few_columns(gradient, weights[0])
            parts_of_inputs.append(_whole(few, part.shape[1]))
    joined = torch.cat(parts_of_inputs, dim=1) if of_inputs else None
    if joined is not None and trace.only_rows:
        joined = joined[0]
    depth = len(weights)
    return sums[:depth][::-1], sums[depth:][::-1], joined


def _block_back(
    trace: Trace, block: BlockTrace, weights: Sequence[Tensor], gradient: Tensor
) -> tuple[list[Tensor], list[Tensor], Tensor]:
    """Return gradients of weights and offsets, last layer first, and of the first layer's sums.

    gradient: (P, K, b, O), that of the outputs.
    """
    last = block.layers[-1].outputs
    of_weights = [weight_gradient(gradient, last)]
    of_offsets = [sum_rows(gradient[:, 0])]
    scratch = torch.empty_like(last[:, 0]) if gradient.shape[1] > 1 else None
    for layer in reversed(range(len(block.layers))):
        gradient = inputs_back(gradient, weights[layer + 1])
        hidden_back(gradient, block.layers[layer], trace.scale, scratch)
        of_offsets.append(sum_rows(gradient[:, 0]))
        inputs = block.layers[layer - 1].outputs if layer else block.inputs
        if layer == 0 and trace.direction is not None:
            of_first = sum_rows(gradient[:, 1])
            gradient = gradient[:, :1]
            of_weights.append(weight_gradient(gradient, inputs).addr_(of_first, trace.direction))
        else:
            of_weights.append(weight_gradient(gradient, inputs))
    return of_weights, of_offsets, gradient


def _collect(sums: list[Tensor], parts: Sequence[Tensor]) -> None:
    if not sums:
        sums.extend(parts)
        return
    for total, part in zip(sums, parts, strict=True):
        total += part


def _blocks(streams: Tensor, rows: int) -> Sequence[Tensor]:
    """Return streams (K, B, width) in blocks of so many rows."""
    return streams.split(rows, dim=1) if streams.shape[1] > rows else (streams,)


def _parts(streams: Tensor) -> Tensor:
    """Return streams (K, n, width) as (P, K, b, width), completed with rows of zeros."""
    n_streams, n_rows, width = streams.shape
    missing = padded_rows(n_rows) - n_rows
    if missing:
        streams = pad(streams, (0, 0, 0, missing))
    parts = streams.reshape(n_streams, PARTS, (n_rows + missing) // PARTS, width)
    return parts.transpose(0, 1).contiguous()


def _whole(parts: Tensor, n_rows: int) -> Tensor:
    """Return parts (P, K, b, width) as streams (K, n, width), without the rows added."""
    _, n_streams, rows, width = parts.shape
    return parts.transpose(0, 1).reshape(n_streams, PARTS * rows, width)[:, :n_rows]


def _mask(mask: Tensor, first_row: int, block: Tensor) -> Tensor:
    """Return what multiplies the units of a block, (P, b, H)."""
    rows = block.shape[2]
    return mask[first_row : first_row + PARTS * rows].view(PARTS, rows, mask.shape[1])
