"""One layer of a tanh perceptron with derivatives, forward and back, in closed form.

A stream is the value, or its first or second derivative along one direction; K = 1, 2 or 3 of
them share each matrix product. With z the sum that enters a layer, a = z', b = z'', v = tanh(z)
and s = 1 - v^2:

    first derivative   v'  = s a
    second derivative  v'' = s q,  q = b - 2 v a^2

On a CPU torch's own tanh takes three times as long as 1 - 2 sigmoid(-2 z), so layers give -2 z.

Dropout multiplies all three by m, 0 or c. Where m is 0 so is m s, and everything that v enters is
multiplied by that: h = m v does for c v, and m s = m - h^2 / c.

Streams come in parts, (P, K, b, width): a thread then finds the rows that it has written itself.
Sums over all rows at once would fetch half of them from another core, which takes longer than to
add them up.
"""

from typing import NamedTuple

import torch
from torch import Tensor

# Whatever the number of threads; shared evenly by 1, 2 or 4, which all give the same bits.
PARTS = 4


class Hidden(NamedTuple):
    """What one hidden layer gives.

    outputs (P, K, b, H), tanh and dropout; slope m s, first a and curve q, (P, b, H): what the
    way back needs. a may be one row for all; what no stream needs is filled with m s.
    """

    outputs: Tensor
    slope: Tensor
    first: Tensor
    curve: Tensor


def hidden(
    inputs: Tensor, weight: Tensor, offset: Tensor, mask: Tensor | None, scale: float
) -> Hidden:
    """Return one layer of inputs (P, K, b, I); mask (P, b, H) of 0 or `scale`, None without."""
    if inputs.shape[1] == 1:
        value = _doubled(inputs, weight, offset)
        slope = _tanh(value, value, mask, scale)
        return Hidden(value[:, None], slope, slope, slope)
    sums = torch.bmm(inputs.flatten(1, 2), _shared(weight.t()))
    sums = sums.view(*inputs.shape[:3], len(weight))
    sums[:, 0].add_(offset)
    streams = sums.unbind(1)
    outputs = torch.empty_like(sums)
    slope = _tanh(streams[0].mul_(-2.0), outputs[:, 0], mask, scale)
    first = streams[1]
    if len(streams) == 2:
        torch.mul(slope, first, out=outputs[:, 1])
        return Hidden(outputs, slope, first, first)
    # The value's sums are of no more use: they serve for m v a.
    bend = torch.mul(outputs[:, 0], first, out=streams[0])
    curve = streams[2].addcmul_(bend, first, value=-2.0 / scale)
    return _with_derivatives(outputs, slope, first, curve)


def hidden_along(
    inputs: Tensor,
    direction: Tensor,
    weight: Tensor,
    offset: Tensor,
    mask: Tensor | None,
    scale: float,
) -> Hidden:
    """Return the first layer with K = 3 where all inputs (P, 1, b, I) move along (I,)."""
    value = _doubled(inputs, weight, offset)
    first = weight @ direction
    outputs = value.new_empty((PARTS, 3, *value.shape[1:]))
    slope = _tanh(value, outputs[:, 0], mask, scale)
    curve = outputs[:, 0] * (-2.0 / scale * first.square())
    return _with_derivatives(outputs, slope, first, curve)


def hidden_values(inputs: Tensor, weight: Tensor, offset: Tensor) -> Tensor:
    """Return tanh of inputs (P, 1, b, I), without dropout and with nothing kept."""
    value = _doubled(inputs, weight, offset)
    return value.sigmoid_().mul_(-2.0).add_(1.0)[:, None]


def last_sums(inputs: Tensor, weight: Tensor, offset: Tensor) -> Tensor:
    """Return the last layer's sums (P, K, b, O); only the value has an offset."""
    sums = few_columns(inputs, weight.t())
    sums[:, 0].add_(offset)
    return sums


def hidden_back(gradient: Tensor, kept: Hidden, scale: float, scratch: Tensor | None) -> None:
    """Turn the gradient of a layer's outputs (P, K, b, H) into that of its sums, in place.

    scratch: (P, b, H), overwritten; None where K is 1.
    """
    value, slope, first, curve = kept.outputs[:, 0], kept.slope, kept.first, kept.curve
    of_value, *of_derivatives = gradient.unbind(1)
    if not of_derivatives:
        of_value.mul_(slope)
        return
    of_first = of_derivatives[0]
    bend = torch.mul(first, of_first, out=scratch)
    of_first.mul_(slope)
    if len(of_derivatives) == 1:
        of_value.addcmul_(value, bend, value=-2.0 / scale).mul_(slope)
        return
    of_second = of_derivatives[1]
    of_value.addcmul_(value, bend.addcmul_(curve, of_second), value=-2.0 / scale)
    product = torch.mul(first, of_second.mul_(slope), out=scratch)
    of_first.addcmul_(value, product, value=-4.0 / scale)
    of_value.addcmul_(first, product, value=-2.0 / scale).mul_(slope)


def inputs_back(gradient: Tensor, weight: Tensor) -> Tensor:
    """Return the gradient of a layer's inputs (P, K, b, I) from that of its sums (P, K, b, O)."""
    if len(weight) == 1:
        return gradient * weight  # a product of this shape is far from a matrix library's best
    found = torch.bmm(gradient.flatten(1, 2), _shared(weight))
    return found.view(*gradient.shape[:3], weight.shape[1])


def weight_gradient(of_sums: Tensor, inputs: Tensor) -> Tensor:
    """Return (O, I) from (P, K, b, O) and (P, K, b, I); narrow side first: see `few_columns`."""
    of_rows, rows = of_sums.flatten(1, 2), inputs.flatten(1, 2)
    if rows.shape[2] < of_rows.shape[2]:
        return torch.bmm(rows.mT, of_rows).sum(0).t()
    return torch.bmm(of_rows.mT, rows).sum(0)


def sum_rows(parts: Tensor) -> Tensor:
    """Return the sum (H,) over all rows of (P, b, H); each part by itself: see the top."""
    return parts.sum(1).sum(0)


def few_columns(streams: Tensor, matrix: Tensor) -> Tensor:
    """Return streams (P, K, b, H) times a matrix of few columns (H, C), (P, K, b, C).

    The narrow side comes first, which matrix libraries take better; a vector is a case of its own.
    """
    rows, columns = streams.flatten(1, 2), matrix.shape[1]
    if columns == 1:
        return torch.bmm(rows, _shared(matrix)).view(*streams.shape[:3], 1)
    found = torch.bmm(_shared(matrix.t()), rows.mT)
    return found.view(PARTS, columns, *streams.shape[1:3]).movedim(1, 3)


def _shared(matrix: Tensor) -> Tensor:
    """Return a matrix as all parts use it."""
    return matrix.expand(PARTS, *matrix.shape)


def _doubled(inputs: Tensor, weight: Tensor, offset: Tensor) -> Tensor:
    """Return -2 z of the values among inputs (P, K, b, I), (P, b, H)."""
    return torch.baddbmm(offset, inputs[:, 0], _shared(weight.t()), beta=-2.0, alpha=-2.0)


def _tanh(doubled: Tensor, outputs: Tensor, mask: Tensor | None, scale: float) -> Tensor:
    """Write m tanh(z) of -2 z to `outputs`; return m s."""
    torch.sigmoid(doubled, out=outputs)
    if mask is None:
        outputs.mul_(-2.0).add_(1.0)
        return torch.addcmul(outputs.new_ones(()), outputs, outputs, value=-1.0)
    torch.addcmul(mask, mask, outputs, value=-2.0, out=outputs)
    return torch.addcmul(mask, outputs, outputs, value=-1.0 / scale)


def _with_derivatives(outputs: Tensor, slope: Tensor, first: Tensor, curve: Tensor) -> Hidden:
    torch.mul(slope, first, out=outputs[:, 1])
    torch.mul(slope, curve, out=outputs[:, 2])
    return Hidden(outputs, slope, first, curve)
