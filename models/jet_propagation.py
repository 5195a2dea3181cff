"""Value and derivatives of a tanh perceptron, and their gradients, in closed form.

A stream is the value, or its first or second derivative along one direction. All streams of a
batch share each matrix product, stacked as (K, B, width), K = 1, 2 or 3. With z the sum that
enters a layer, a = z', b = z'', v = tanh(z) and s = 1 - v^2:

    first derivative   v'  = s a
    second derivative  v'' = s q,  q = b - 2 v a^2

One node of the graph holds a whole perceptron: differentiating the same formulas step by step
keeps and moves about three times as many arrays.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import once_differentiable

# What each hidden layer keeps for the way back: its inputs, v, s (masked), a and q.
_KEPT = 5


def propagate(
    inputs: Tensor,
    direction: Tensor | None,
    weights: Sequence[Tensor],
    offsets: Sequence[Tensor],
    masks: Tensor | None,
    scale: float,
) -> Tensor:
    """Return the streams of the outputs, (K, B, O); their gradients exist, but only once.

    Parameters
    ----------
    inputs: (K, B, I) streams; or (B, I) values that all move along `direction` (I,), which needs
        no gradient: then K is 3.
    weights, offsets: of each layer, the last of which has no tanh.
    masks: (L, B, H) what dropout multiplies each hidden unit by, 0 or `scale`; None without.
    """
    settings = (masks, scale, len(weights))
    outputs: Tensor = _Propagation.apply(inputs, direction, *settings, *weights, *offsets)
    return outputs


class _Propagation(Function):
    @staticmethod
    def forward(
        ctx: Any,
        inputs: Tensor,
        direction: Tensor | None,
        masks: Tensor | None,
        scale: float,
        depth: int,
        *parameters: Tensor,
    ) -> Tensor:
        weights, offsets = parameters[:depth], parameters[depth:]
        kept: list[Tensor] = []
        for layer in range(depth - 1):
            mask = None if masks is None else masks[layer]
            if layer == 0 and direction is not None:
                value = torch.addmm(offsets[0], inputs, weights[0].t())
                sums: tuple[Tensor, ...] = (value, weights[0] @ direction)
            else:
                sums = _linear(inputs, weights[layer], offsets[layer]).unbind()
            kept.append(inputs)
            inputs, *saved = _tanh(sums, 3 if direction is not None else len(sums), mask)
            kept += saved
        ctx.save_for_backward(*weights, *kept, inputs)
        ctx.direction, ctx.scale, ctx.depth = direction, scale, depth
        return _linear(inputs, weights[-1], offsets[-1])

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *upstream: Tensor) -> tuple[Tensor | None, ...]:
        gradient, depth = upstream[0].contiguous(), ctx.depth
        saved = ctx.saved_tensors
        weights, kept, inputs = saved[:depth], saved[depth:-1], saved[-1]
        of_weights: list[Tensor] = [_weight_gradient(gradient, inputs)]
        of_offsets: list[Tensor] = [gradient[0].sum(0)]
        scratch = torch.empty_like(inputs[0])
        for layer in reversed(range(depth - 1)):
            inputs, *slopes = kept[_KEPT * layer : _KEPT * (layer + 1)]
            gradient = _back_through(gradient, weights[layer + 1])
            of_sums = gradient.unbind()
            _tanh_backward(of_sums, ctx.scale, scratch, *slopes)
            of_offsets.append(of_sums[0].sum(0))
            if layer == 0 and ctx.direction is not None:
                of_value = of_sums[0].t() @ inputs
                of_weights.append(of_value.addr_(of_sums[1].sum(0), ctx.direction))
            else:
                of_weights.append(_weight_gradient(gradient, inputs))
        of_inputs = None
        if ctx.needs_input_grad[0]:
            of_inputs = gradient[0] if ctx.direction is not None else gradient
            of_inputs = torch.matmul(of_inputs, weights[0])
        of_parameters = (*reversed(of_weights), *reversed(of_offsets))
        return (of_inputs, None, None, None, None, *of_parameters)


def _linear(inputs: Tensor, weight: Tensor, offset: Tensor) -> Tensor:
    """Return the layer's sums; only the value has an offset."""
    sums = (inputs.flatten(0, 1) @ weight.t()).view(*inputs.shape[:2], len(weight))
    sums[0] += offset
    return sums


def _back_through(gradient: Tensor, weight: Tensor) -> Tensor:
    """Return the gradient of a layer's inputs (K, B, I)."""
    if len(weight) == 1:
        return gradient * weight  # a product of this shape is far from a matrix library's best
    return torch.matmul(gradient, weight)


def _weight_gradient(gradient: Tensor, inputs: Tensor) -> Tensor:
    return gradient.flatten(0, 1).t() @ inputs.flatten(0, 1)


def _tanh(sums: tuple[Tensor, ...], streams: int, mask: Tensor | None) -> tuple[Tensor, ...]:
    """Return the outputs of tanh and dropout, and v, s (masked), a, q; overwrites `sums`.

    A missing b is zero; a may be one row for all. What no stream needs is filled with s.
    """
    value = sums[0]
    outputs = value.new_empty((streams, *value.shape))
    out_value, *out_first = outputs.unbind()
    value = _tanh_of_doubled(torch.mul(value, 2.0, out=out_value if mask is None else value))
    if mask is None:
        slope = torch.addcmul(value.new_ones(()), value, value, value=-1.0)
    else:
        torch.mul(value, mask, out=out_value)
        slope = torch.addcmul(mask, value, out_value, value=-1.0)
    if not out_first:
        return outputs, value, slope, slope, slope
    first, out_second = sums[1], out_first[1:]
    torch.mul(slope, first, out=out_first[0])
    if not out_second:
        return outputs, value, slope, first, first
    if len(sums) == 2:
        curve = value * (-2.0 * first.square())
    else:
        # The last array is not yet in use: it serves for v a.
        curve = sums[2].addcmul_(torch.mul(value, first, out=out_second[0]), first, value=-2.0)
    torch.mul(slope, curve, out=out_second[0])
    return outputs, value, slope, first, curve


def _tanh_of_doubled(doubled: Tensor) -> Tensor:
    """Return tanh(z) of 2 z, in place: on a CPU torch's own takes three times as long."""
    return doubled.sigmoid_().mul_(2.0).sub_(1.0)


def _tanh_backward(
    gradient: tuple[Tensor, ...],
    scale: float,
    scratch: Tensor,
    value: Tensor,
    slope: Tensor,
    first: Tensor,
    curve: Tensor,
) -> None:
    """Turn the gradient of the outputs into that of the sums, in place."""
    of_value = gradient[0]
    if len(gradient) == 1:
        of_value.mul_(slope)
        return
    of_first = gradient[1]
    bend = torch.mul(first, of_first, out=scratch)
    of_first.mul_(slope)
    if len(gradient) == 2:
        of_value.addcmul_(value, bend, value=-2.0).mul_(slope)
        return
    of_second = gradient[2]
    of_value.addcmul_(value, bend.addcmul_(curve, of_second), value=-2.0)
    product = torch.mul(first, of_second.mul_(slope), out=scratch)
    of_first.addcmul_(value, product, value=-4.0)
    of_value.addcmul_(first, product, value=-2.0 / scale).mul_(slope)
