"""Value and derivatives of a tanh perceptron, and their gradients, in closed form.

A stream is the value, or its first or second derivative along one direction. All streams of a
batch share each matrix product, K = 1, 2 or 3 of them. With z the sum that enters a layer,
a = z', b = z'', v = tanh(z) and s = 1 - v^2:

    first derivative   v'  = s a
    second derivative  v'' = s q,  q = b - 2 v a^2

On a CPU torch's own tanh takes three times as long as 1 - 2 sigmoid(-2 z), so layers give -2 z.

Dropout multiplies all three by m, 0 or c. Where m is 0 so is m s, and everything that v enters is
multiplied by that: h = m v does for c v, and m s = m - h^2 / c.

One node of the graph holds a whole perceptron: differentiating the same formulas step by step
keeps and moves about three times as many arrays. Rows go through all layers in blocks that stay
in the processor's cache, and a block in parts, (P, K, b, width): a thread then finds the rows that
it has written itself. Sums over all rows at once would fetch half of them from another core,
which takes longer than to add them up.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import once_differentiable
from torch.nn.functional import pad

# What each hidden layer keeps for the way back: its inputs, m s, a and q.
_KEPT = 4
# Numbers in one array of a block: of 2^15 to 2^18 the fastest, by little (1 MB of cache a core).
BLOCK_NUMBERS = 1 << 17
# Whatever the number of threads, so that results do not depend on it; shared evenly by 1, 2 or 4.
PARTS = 4


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
    rows = _parts(inputs[None])[:, 0]
    for weight, offset in zip(weights[:-1], offsets[:-1], strict=True):
        rows = torch.baddbmm(offset, rows, _shared(weight.t()), beta=-2.0, alpha=-2.0)
        rows.sigmoid_().mul_(-2.0).add_(1.0)
    outputs = _outputs(rows[:, None], weights[-1], offsets[-1])
    return _whole(outputs, len(inputs))[0]


@dataclass(frozen=True)
class Trace:
    """What the way back needs.

    kept: of each block what `_KEPT` says of every hidden layer, then the last layer's inputs.
    """

    weights: Sequence[Tensor]
    direction: Tensor | None
    scale: float
    only_rows: bool
    block_rows: int
    kept: list[list[Tensor]]


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
        outputs, ctx.trace = trace_through(inputs, direction, weights, offsets, masks, scale)
        return outputs

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *upstream: Tensor) -> tuple[Tensor | None, ...]:
        found = trace_back(ctx.trace, upstream[0], of_inputs=ctx.needs_input_grad[0])
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
    trace = Trace(weights, direction, scale, only_rows, block_rows, [])
    streams = inputs[None] if only_rows else inputs
    outputs = []
    for number, part in enumerate(_blocks(streams, block_rows)):
        block, kept = _parts(part), []
        first_row = number * block_rows
        for layer, (weight, offset) in enumerate(zip(weights[:-1], offsets[:-1], strict=True)):
            mask = None if masks is None else _mask(masks[layer], first_row, block)
            along = direction if layer == 0 else None
            kept.append(block)
            block, *saved = _hidden(block, along, weight, offset, mask, scale)
            kept += saved
        trace.kept.append([*kept, block])
        outputs.append(_whole(_outputs(block, weights[-1], offsets[-1]), part.shape[1]))
    joined = torch.cat(outputs, dim=1) if len(outputs) > 1 else outputs[0]
    return (joined[0] if only_rows and direction is None else joined), trace


def trace_back(
    trace: Trace, upstream: Tensor, *, of_inputs: bool = False
) -> tuple[list[Tensor], list[Tensor], Tensor | None]:
    """Return the gradients of weights, offsets and, if wanted, inputs, from that of the outputs."""
    found: tuple[list[Tensor], list[Tensor]] = ([], [])
    parts_of_inputs = []
    streams = upstream if upstream.dim() == 3 else upstream[None]
    for part, kept in zip(_blocks(streams, trace.block_rows), trace.kept, strict=True):
        of_weights, of_offsets, gradient = _block_backward(trace, _parts(part), kept)
        _collect(found[0], of_weights)
        _collect(found[1], of_offsets)
        if of_inputs:
            few = _few_columns(gradient, trace.weights[0])
            parts_of_inputs.append(_whole(few, part.shape[1]))
    joined = torch.cat(parts_of_inputs, dim=1) if of_inputs else None
    if joined is not None and trace.only_rows:
        joined = joined[0]
    return found[0][::-1], found[1][::-1], joined


def _blocks(streams: Tensor, rows: int) -> Sequence[Tensor]:
    """Return streams (K, B, width) in blocks of so many rows."""
    return streams.split(rows, dim=1) if streams.shape[1] > rows else (streams,)


def _parts(streams: Tensor) -> Tensor:
    """Return streams (K, n, width) as (P, K, b, width), completed with rows of zeros."""
    n_streams, n_rows, width = streams.shape
    missing = padded_rows(n_rows) - n_rows
    if missing:
        streams = pad(streams, (0, 0, 0, missing))
    return streams.reshape(n_streams, PARTS, -1, width).transpose(0, 1).contiguous()


def _whole(parts: Tensor, n_rows: int) -> Tensor:
    """Return parts (P, K, b, width) as streams (K, n, width), without the rows added."""
    n_streams, width = parts.shape[1], parts.shape[3]
    return parts.transpose(0, 1).reshape(n_streams, -1, width)[:, :n_rows]


def _mask(mask: Tensor, first_row: int, block: Tensor) -> Tensor:
    """Return what multiplies the units of a block, (P, b, H)."""
    rows = block.shape[2]
    return mask[first_row : first_row + PARTS * rows].view(PARTS, rows, -1)


def _shared(matrix: Tensor) -> Tensor:
    """Return a matrix as all parts use it."""
    return matrix.expand(PARTS, *matrix.shape)


def _block_backward(
    trace: Trace, gradient: Tensor, kept: Sequence[Tensor]
) -> tuple[list[Tensor], list[Tensor], Tensor]:
    """Return gradients of weights and offsets, last layer first, and of the first layer's sums."""
    inputs = kept[-1]
    of_weights = [_weight_gradient(gradient, inputs)]
    of_offsets = [_sum_rows(gradient[:, 0])]
    scratch = torch.empty_like(inputs[:, 0]) if gradient.shape[1] > 1 else None
    for layer in reversed(range(len(trace.weights) - 1)):
        outputs = inputs
        inputs, slope, first, curve = kept[_KEPT * layer : _KEPT * (layer + 1)]
        gradient = _back_through(gradient, trace.weights[layer + 1])
        of_sums = gradient.unbind(1)
        _tanh_backward(of_sums, trace.scale, scratch, outputs[:, 0], slope, first, curve)
        of_offsets.append(_sum_rows(of_sums[0]))
        if layer == 0 and trace.direction is not None:
            gradient = of_sums[0][:, None]
            of_value = _weight_gradient(gradient, inputs)
            of_weights.append(of_value.addr_(_sum_rows(of_sums[1]), trace.direction))
        else:
            of_weights.append(_weight_gradient(gradient, inputs))
    return of_weights, of_offsets, gradient


def _collect(sums: list[Tensor], parts: Sequence[Tensor]) -> None:
    if not sums:
        sums.extend(parts)
        return
    for total, part in zip(sums, parts, strict=True):
        total += part


def _hidden(
    inputs: Tensor,
    direction: Tensor | None,
    weight: Tensor,
    offset: Tensor,
    mask: Tensor | None,
    scale: float,
) -> tuple[Tensor, ...]:
    """Return the outputs (P, K, b, H) of one layer, tanh and dropout, and m s, a, q.

    a may be one row for all; what no stream needs is filled with m s.
    """
    if direction is not None or inputs.shape[1] == 1:
        shared = _shared(weight.t())
        value = torch.baddbmm(offset, inputs[:, 0], shared, beta=-2.0, alpha=-2.0)
        if direction is None:
            slope = _tanh(value, value, mask, scale)
            return value[:, None], slope, slope, slope
        first = weight @ direction
        outputs = value.new_empty((PARTS, 3, *value.shape[1:]))
        slope = _tanh(value, outputs[:, 0], mask, scale)
        curve = outputs[:, 0] * (-2.0 / scale * first.square())
        return _derivatives(outputs, slope, first, curve)
    sums = _linear(inputs, weight, offset)
    streams = sums.unbind(1)
    outputs = torch.empty_like(sums)
    slope = _tanh(streams[0].mul_(-2.0), outputs[:, 0], mask, scale)
    first = streams[1]
    if len(streams) == 2:
        torch.mul(slope, first, out=outputs[:, 1])
        return outputs, slope, first, first
    # The value's sums are of no more use: they serve for m v a.
    bend = torch.mul(outputs[:, 0], first, out=streams[0])
    curve = streams[2].addcmul_(bend, first, value=-2.0 / scale)
    return _derivatives(outputs, slope, first, curve)


def _derivatives(
    outputs: Tensor, slope: Tensor, first: Tensor, curve: Tensor
) -> tuple[Tensor, ...]:
    torch.mul(slope, first, out=outputs[:, 1])
    torch.mul(slope, curve, out=outputs[:, 2])
    return outputs, slope, first, curve


def _tanh(doubled: Tensor, outputs: Tensor, mask: Tensor | None, scale: float) -> Tensor:
    """Write m tanh(z) of -2 z to `outputs`; return m s."""
    torch.sigmoid(doubled, out=outputs)
    if mask is None:
        outputs.mul_(-2.0).add_(1.0)
        return torch.addcmul(outputs.new_ones(()), outputs, outputs, value=-1.0)
    torch.addcmul(mask, mask, outputs, value=-2.0, out=outputs)
    return torch.addcmul(mask, outputs, outputs, value=-1.0 / scale)


def _linear(inputs: Tensor, weight: Tensor, offset: Tensor) -> Tensor:
    """Return a hidden layer's sums (P, K, b, H); only the value has an offset."""
    sums = torch.bmm(inputs.flatten(1, 2), _shared(weight.t()))
    sums = sums.view(*inputs.shape[:3], len(weight))
    sums[:, 0].add_(offset)
    return sums


def _outputs(inputs: Tensor, weight: Tensor, offset: Tensor) -> Tensor:
    """Return the last layer's sums (P, K, b, O)."""
    sums = _few_columns(inputs, weight.t())
    sums[:, 0].add_(offset)
    return sums


def _few_columns(streams: Tensor, matrix: Tensor) -> Tensor:
    """Return streams (P, K, b, H) times a matrix of few columns (H, C), (P, K, b, C).

    The narrow side comes first, which matrix libraries take better; a vector is a case of its own.
    """
    rows = streams.flatten(1, 2)
    if matrix.shape[1] == 1:
        return torch.bmm(rows, _shared(matrix)).view(*streams.shape[:3], 1)
    found = torch.bmm(_shared(matrix.t()), rows.mT)
    return found.view(PARTS, -1, *streams.shape[1:3]).movedim(1, 3)


def _back_through(gradient: Tensor, weight: Tensor) -> Tensor:
    """Return the gradient of a hidden layer's outputs (P, K, b, H)."""
    if len(weight) == 1:
        return gradient * weight  # a product of this shape is far from a matrix library's best
    found = torch.bmm(gradient.flatten(1, 2), _shared(weight))
    return found.view(*gradient.shape[:3], weight.shape[1])


def _weight_gradient(gradient: Tensor, inputs: Tensor) -> Tensor:
    """Return (O, I); the narrower side comes first, as in `_few_columns`."""
    of_sums, rows = gradient.flatten(1, 2), inputs.flatten(1, 2)
    if rows.shape[2] < of_sums.shape[2]:
        return torch.bmm(rows.mT, of_sums).sum(0).t()
    return torch.bmm(of_sums.mT, rows).sum(0)


def _sum_rows(parts: Tensor) -> Tensor:
    """Return the sum over all rows of (P, b, H); each part by itself, see above."""
    return parts.sum(1).sum(0)


def _tanh_backward(
    gradient: tuple[Tensor, ...],
    scale: float,
    scratch: Tensor | None,
    value: Tensor,
    slope: Tensor,
    first: Tensor,
    curve: Tensor,
) -> None:
    """Turn the gradient of the outputs into that of the sums, in place; value is m v."""
    of_value = gradient[0]
    if len(gradient) == 1:
        of_value.mul_(slope)
        return
    of_first = gradient[1]
    bend = torch.mul(first, of_first, out=scratch)
    of_first.mul_(slope)
    if len(gradient) == 2:
        of_value.addcmul_(value, bend, value=-2.0 / scale).mul_(slope)
        return
    of_second = gradient[2]
    of_value.addcmul_(value, bend.addcmul_(curve, of_second), value=-2.0 / scale)
    product = torch.mul(first, of_second.mul_(slope), out=scratch)
    of_first.addcmul_(value, product, value=-4.0 / scale)
    of_value.addcmul_(first, product, value=-2.0 / scale).mul_(slope)
