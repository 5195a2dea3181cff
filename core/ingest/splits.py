"""Proposes which batteries are trained on, validated on and tested on."""

import numpy as np
import pandas as pd

ROLES = ("train", "val", "test")
DEFAULT_SHARES = (0.6, 0.2, 0.2)


def propose_split(
    batteries: pd.DataFrame, seed: int = 0, shares: tuple[float, float, float] = DEFAULT_SHARES
) -> dict[str, str]:
    """Give every battery a role, so that each role has short and long lives.

    Batteries are ranked by cycle life; those that never reached end of life follow, ranked by
    their last capacity over the first. Neighbours in rank are then dealt to the roles in the
    wanted shares, in an order that the seed decides.

    Parameters
    ----------
    batteries : battery_code, cycle_life (nullable), first_capacity_ah, last_capacity_ah
    shares : of train, val and test; they need not add up to 1

    Returns
    -------
    battery_code -> "train" | "val" | "test"; from two batteries on there is at least one for
    training and one for validation, from three on one for testing too if its share is not 0.
    """
    codes = _ranked(batteries)
    counts = _counts(len(codes), shares)
    generator = np.random.default_rng(seed)
    return dict(zip(codes, _deal(counts, generator), strict=True))


def _ranked(batteries: pd.DataFrame) -> list[str]:
    """Codes from the shortest life to the longest; ties by code, so that order is stable."""
    last = batteries["last_capacity_ah"] / batteries["first_capacity_ah"]
    table = pd.DataFrame(
        {
            "code": batteries["battery_code"].astype(str).to_numpy(),
            "life": batteries["cycle_life"].astype("Float64").to_numpy(np.float64, na_value=np.inf),
            "left": last.fillna(1.0).to_numpy(),
        }
    )
    return list(table.sort_values(["life", "left", "code"])["code"])


def _counts(n_batteries: int, shares: tuple[float, float, float]) -> list[int]:
    """Number of batteries per role, by largest remainder; no role stays empty if avoidable."""
    exact = np.array(shares) / sum(shares) * n_batteries
    counts = np.floor(exact).astype(int)
    for role in np.argsort(counts - exact, kind="stable")[: n_batteries - counts.sum()]:
        counts[role] += 1
    for role in range(min(n_batteries, len(ROLES))):
        if counts[role] == 0 and (role < 2 or shares[role] > 0):
            counts[np.argmax(counts)] -= 1
            counts[role] += 1
    return [int(count) for count in counts]


def _deal(counts: list[int], generator: np.random.Generator) -> list[str]:
    """Deal roles along the ranking: each place goes to the role that lacks most of its share."""
    total = sum(counts)
    dealt = np.zeros(len(ROLES))
    wanted = np.array(counts, dtype=np.float64)
    roles = []
    for place in range(total):
        behind = wanted * (place + 1) / total - dealt + generator.uniform(0, 0.5, len(ROLES))
        behind[dealt >= wanted] = -np.inf
        role = int(np.argmax(behind))
        dealt[role] += 1
        roles.append(ROLES[role])
    return roles
