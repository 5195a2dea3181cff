"""Value and derivatives of a tanh perceptron, and their gradients, in closed form.

A stream is the value, or its first or second derivative along one direction. All streams of a
batch share each matrix product, stacked as (K, B, width), K = 1, 2 or 3. With z the sum that
enters a layer, a = z', b = z'', v = tanh(z) and s = 1 - v^2:

    first derivative   v'  = s a
    second derivative  v'' = s q,  q = b - 2 v a^2

On a CPU torch's own tanh takes three times as long as 1 - 2 sigmoid(-2 z), so layers give -2 z.

Dropout multiplies all three by m, 0 or c. Where m is 0 so is m s, and everything that v enters is
multiplied by that: h = m v does for c v, and m s = m - h^2 / c.

One node of the graph holds a whole perceptron: differentiating the same formulas step by step
keeps and moves about three times as many arrays. Rows go through all layers in blocks that stay
in the processor's cache.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import once_differentiable

# What each hidden layer keeps for the way back: its inputs, m s, a and q.
_KEPT = 4
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
        no gradient: then K is 3.
    weights, offsets: of each layer, the last of which has no tanh.
    masks: (B, H) for each hidden layer, what dropout multiplies its units by, 0 or `scale`; None
        without.
    """
    is_plain = direction is None and masks is None and len(inputs) == 1
    if is_plain and not torch.is_grad_enabled():
        return _values(inputs[0], weights, offsets)[None]
    settings = (masks, scale, len(weights))
    outputs: Tensor = _Propagation.apply(inputs, direction, *settings, *weights, *offsets)
    return outputs


def _values(rows: Tensor, weights: Sequence[Tensor], offsets: Sequence[Tensor]) -> Tensor:
    """Return the outputs (B, O) of inputs (B, I), and keep nothing for a way back."""
    for weight, offset in zip(weights[:-1], offsets[:-1], strict=True):
        rows = torch.addmm(offset, rows, weight.t(), beta=-2.0, alpha=-2.0)
        rows.sigmoid_().mul_(-2.0).add_(1.0)
    return torch.addmm(offsets[-1], rows, weights[-1].t())


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
        ctx.rows = max(1, BLOCK_NUMBERS // weights[0].shape[0])
        kept: list[Tensor] = []
        outputs = []
        blocks = inputs.split(ctx.rows, dim=-2)
        for number, block in enumerate(blocks):
            rows = slice(number * ctx.rows, (number + 1) * ctx.rows)
            for layer in range(depth - 1):
                mask = None if masks is None else masks[layer][rows]
                kept.append(block)
                along = direction if layer == 0 else None
                block, *saved = _hidden(block, along, weights[layer], offsets[layer], mask, scale)
                kept += saved
            kept.append(block)
            outputs.append(_linear(block, weights[-1], offsets[-1]))
        ctx.save_for_backward(*weights, *kept)
        ctx.direction, ctx.scale, ctx.depth = direction, scale, depth
        return torch.cat(outputs, dim=1) if len(outputs) > 1 else outputs[0]

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *upstream: Tensor) -> tuple[Tensor | None, ...]:
        depth, saved = ctx.depth, ctx.saved_tensors
        weights, kept = saved[:depth], saved[depth:]
        found: tuple[list[Tensor], list[Tensor]] = ([], [])
        of_inputs = []
        share = _KEPT * (depth - 1) + 1
        for number, gradient in enumerate(upstream[0].split(ctx.rows, dim=1)):
            block = kept[number * share : (number + 1) * share]
            of_weights, of_offsets, gradient = _block_backward(ctx, gradient, weights, block)
            _collect(found[0], of_weights)
            _collect(found[1], of_offsets)
            if ctx.needs_input_grad[0]:
                of_inputs.append(torch.matmul(gradient, weights[0]))
        joined = torch.cat(of_inputs, dim=-2) if of_inputs else None
        return (joined, None, None, None, None, *reversed(found[0]), *reversed(found[1]))


def _block_backward(
    ctx: Any, gradient: Tensor, weights: Sequence[Tensor], kept: Sequence[Tensor]
) -> tuple[list[Tensor], list[Tensor], Tensor]:
    """Return gradients of weights and offsets, last layer first, and of the first layer's sums."""
    inputs = kept[-1]
    of_weights, of_offsets = [_weight_gradient(gradient, inputs)], [gradient[0].sum(0)]
    scratch = torch.empty_like(inputs[0]) if len(gradient) > 1 else None
    for layer in reversed(range(len(weights) - 1)):
        outputs = inputs
        inputs, slope, first, curve = kept[_KEPT * layer : _KEPT * (layer + 1)]
        gradient = _back_through(gradient, weights[layer + 1])
        of_sums = gradient.unbind()
        _tanh_backward(of_sums, ctx.scale, scratch, outputs[0], slope, first, curve)
        of_offsets.append(of_sums[0].sum(0))
        if layer == 0 and ctx.direction is not None:
            of_value = _weight_gradient(of_sums[0][None], inputs[None])
            of_weights.append(of_value.addr_(of_sums[1].sum(0), ctx.direction))
            gradient = of_sums[0]
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
    """Return the outputs (K, b, H) of one layer, tanh and dropout, and m s, a, q.

    a may be one row for all; what no stream needs is filled with m s.
    """
    if direction is not None:
        value = torch.addmm(offset, inputs, weight.t(), beta=-2.0, alpha=-2.0)
        first = weight @ direction
        outputs = value.new_empty((3, *value.shape))
        slope = _tanh(value, outputs[0], mask, scale)
        curve = outputs[0] * (-2.0 / scale * first.square())
        return _derivatives(outputs, slope, first, curve)
    if len(inputs) == 1:
        outputs = torch.addmm(offset, inputs[0], weight.t(), beta=-2.0, alpha=-2.0)[None]
        slope = _tanh(outputs[0], outputs[0], mask, scale)
        return outputs, slope, slope, slope
    sums = _linear(inputs, weight, offset)
    outputs = torch.empty_like(sums)
    slope = _tanh(sums[0].mul_(-2.0), outputs[0], mask, scale)
    first = sums[1]
    if len(sums) == 2:
        torch.mul(slope, first, out=outputs[1])
        return outputs, slope, first, first
    # sums[0] is of no more use: it serves for m v a.
    bend = torch.mul(outputs[0], first, out=sums[0])
    curve = sums[2].addcmul_(bend, first, value=-2.0 / scale)
    return _derivatives(outputs, slope, first, curve)


def _derivatives(
    outputs: Tensor, slope: Tensor, first: Tensor, curve: Tensor
) -> tuple[Tensor, ...]:
    torch.mul(slope, first, out=outputs[1])
    torch.mul(slope, curve, out=outputs[2])
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
    """Return the layer's sums; only the value has an offset."""
    if len(inputs) == 1:
        return torch.addmm(offset, inputs[0], weight.t())[None]
    sums = (inputs.flatten(0, 1) @ weight.t()).view(*inputs.shape[:2], len(weight))
    sums[0] += offset
    return sums


def _back_through(gradient: Tensor, weight: Tensor) -> Tensor:
    """Return the gradient of a layer's inputs (K, B, I)."""
    if len(weight) == 1:
        return gradient * weight  # a product of this shape is far from a matrix library's best
    return torch.matmul(gradient, weight)


def _weight_gradient(gradient: Tensor, inputs: Tensor) -> Tensor:
    """Return (O, I); the narrower side comes first, which matrix libraries take better."""
    of_sums, rows = gradient.flatten(0, 1), inputs.flatten(0, 1)
    if rows.shape[1] < of_sums.shape[1]:
        return (rows.t() @ of_sums).t()
    return of_sums.t() @ rows


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
