"""Where a forecast beats its floors: hand-made errors by horizon."""

import pandas as pd

from core.evaluation.horizons import MODEL, Standing, Stretch, best_methods, compare_with_floors


def errors(**lines: list[float]) -> pd.DataFrame:
    """RMSE of some methods at 1, 2, 5 and 10 cycles ahead."""
    return pd.concat(
        pd.DataFrame({"method": method, "horizon": [1, 2, 5, 10], "rmse": values})
        for method, values in lines.items()
    )


def test_a_model_wins_and_loses_over_stretches_and_a_tie_is_no_win() -> None:
    frame = errors(MODEL=[2.0, 2.0, 2.0, 9.0], LAST_VALUE=[1.0, 2.0, 3.0, 8.0])
    assert compare_with_floors(frame, "rmse") == (
        Standing(
            "LAST_VALUE",
            won=(Stretch(MODEL, 5, 5),),
            lost=(Stretch("LAST_VALUE", 1, 2), Stretch("LAST_VALUE", 10, 10)),
        ),
    )


def test_every_floor_gets_its_own_verdict() -> None:
    frame = errors(MODEL=[1.0] * 4, LAST_VALUE=[2.0] * 4, MEAN=[0.5] * 4)
    by_floor = {standing.floor: standing for standing in compare_with_floors(frame, "rmse")}
    assert by_floor["LAST_VALUE"].won == (Stretch(MODEL, 1, 10),)
    assert not by_floor["LAST_VALUE"].lost
    assert not by_floor["MEAN"].won


def test_the_best_of_all_by_stretch() -> None:
    frame = errors(
        MODEL=[2.0, 2.0, 2.0, 2.0], LAST_VALUE=[1.0, 2.0, 3.0, 4.0], LAST_SLOPE=[3.0, 3.0, 2.5, 1.0]
    )
    assert best_methods(frame, "rmse") == (
        Stretch("LAST_VALUE", 1, 2),
        Stretch(MODEL, 5, 5),
        Stretch("LAST_SLOPE", 10, 10),
    )


def test_a_horizon_without_a_floor_is_not_judged_against_it() -> None:
    frame = errors(MODEL=[1.0] * 4, LAST_SLOPE=[2.0, 2.0, float("nan"), float("nan")])
    assert compare_with_floors(frame, "rmse")[0].won == (Stretch(MODEL, 1, 2),)
    assert best_methods(frame, "rmse") == (Stretch(MODEL, 1, 10),)


def test_nothing_stored_gives_no_verdict() -> None:
    empty = errors(MODEL=[1.0] * 4).iloc[:0]
    assert compare_with_floors(empty, "rmse") == best_methods(empty, "rmse") == ()
