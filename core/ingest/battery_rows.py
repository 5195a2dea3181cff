"""Where the rows of each battery lie in a frame that is sorted by battery."""

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import pandas as pd


def stretches(codes: pd.Series) -> Iterator[tuple[str, slice]]:
    """Yield each battery with the slice of its rows, which must be consecutive."""
    texts = codes.to_numpy(dtype=object)
    starts = [0, *(np.flatnonzero(texts[1:] != texts[:-1]) + 1), len(texts)]
    for start, end in pairwise(starts):
        if end > start:
            yield str(texts[start]), slice(int(start), int(end))
