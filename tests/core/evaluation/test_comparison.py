"""Comparison and ranking of finished tests, from their stored numbers."""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core.base.database import get_engine, read_scope
from core.base.errors import InvalidInput, NotFound
from core.evaluation.comparison import compare_tests, pooled, unseen_errors
from core.evaluation.leaderboard import list_boards, rank_models, standings_frame
from tests.conftest import settings_of
from tests.core.finished import (
    CYCLES,
    add_finished_test,
    add_fleet,
    add_trained_model,
    unseen_codes,
)
from tests.core.seeding import add_account

CODES = unseen_codes(40)


def errors(mean: float, spread: float = 0.0005, codes: list[str] = CODES) -> dict[str, float]:
    """RMSE by battery: what the battery makes hard, what the model adds, and noise."""
    hard = dict(zip(CODES, np.linspace(0, 0.004, len(CODES)), strict=True))
    noise = np.random.default_rng(int(mean * 1e6)).normal(0, spread, len(codes))
    return {c: mean + hard[c] + float(e) for c, e in zip(codes, noise, strict=True)}


class Bench:
    """One account with four models of one fleet and their tests."""

    def __init__(self, folder: Path) -> None:
        self.user = add_account("ann@example.org")
        self.dataset_id = add_fleet(self.user, folder, 40)
        self.tests = {}
        for name, algorithm, mean in (
            ("Good", "BILSTM", 0.004),
            ("Twin of good", "DEEPHPM", 0.0041),
            ("Poor", "BASELINE", 0.0116),
            ("Mean", "MEAN", 0.0115),
        ):
            model_id = add_trained_model(self.user, self.dataset_id, algorithm, name)
            self.tests[name] = add_finished_test(
                self.user, model_id, self.dataset_id, errors(mean, 0.001)
            )
        self.model_id = model_id


@pytest.fixture(scope="module")
def bench(migrated_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    folder = tmp_path_factory.mktemp("comparison")
    shutil.copytree(migrated_folder, folder / "data")
    with settings_of(folder / "data"):
        yield Bench(folder)
        get_engine().dispose()


def test_only_what_all_had_never_seen_counts(bench: Bench) -> None:
    seen_too = {"b0": 0.5, **errors(0.004, codes=CODES[:9])}
    partial = add_finished_test(bench.user, bench.model_id, bench.dataset_id, seen_too)
    with read_scope() as session:
        found = compare_tests(session, bench.user, [bench.tests["Good"], partial], "PCL")
        alone = unseen_errors(session, bench.user, [partial], "PCL")
    assert found.codes == tuple(CODES[:9])
    assert "b0" not in set(alone["battery_code"])
    assert [test.n_unseen for test in found.tests] == [len(CODES), 9]
    good, other = (test.overall for test in found.tests)
    own = errors(0.004, 0.001)
    values = np.array([own[code] for code in CODES[:9]])
    assert good.rmse == pytest.approx(np.sqrt(np.mean(values**2)))
    assert good.n == 9 * CYCLES
    assert (good.macro or {})["rmse"] == pytest.approx(values.mean())
    assert good.rmspe_pcl_left_out == 18
    assert not good.has("r2")
    assert other.r2 == 0.9


def test_pooling_weighs_percentages_by_the_cycles_that_count(bench: Bench) -> None:
    with read_scope() as session:
        rows = unseen_errors(session, bench.user, [bench.tests["Good"]], "PCL").head(2).copy()
    rows["n"] = [10.0, 30.0]
    rows["rmspe_pcl_left_out"] = [0.0, 28.0]
    rows["rmspe_pcl"] = [0.1, 0.2]
    found = pooled("PCL", rows)
    assert found.rmspe_pcl == pytest.approx(np.sqrt((10 * 0.01 + 2 * 0.04) / 12))
    assert found.mae == pytest.approx(np.average(rows["mae"], weights=[10, 30]))


def test_differences_are_stated_pair_by_pair(bench: Bench) -> None:
    ids = [bench.tests[name] for name in ("Good", "Twin of good", "Poor")]
    with read_scope() as session:
        found = compare_tests(session, bench.user, ids, "PCL", "mae")
    by_pair = {(p.first, p.second): p.difference for p in found.pairs}
    assert not by_pair[0, 1].differs
    assert by_pair[0, 2].differs and by_pair[0, 2].estimate < 0
    assert by_pair[0, 2].first_better == len(CODES)
    assert by_pair[0, 2].estimate == pytest.approx(0.8 * -0.008, rel=0.1)
    assert found.means.ranks == ((1, 2), (1, 2), (3, 3))
    assert not found.labels_differ and not found.horizons_differ


def test_tests_that_answer_different_questions_are_refused(bench: Bench, tmp_path: Path) -> None:
    other = add_fleet(bench.user, tmp_path, 10)
    model_id = add_trained_model(bench.user, other, name="Other")
    elsewhere = add_finished_test(bench.user, model_id, other, {"b3": 0.1, "b4": 0.1})
    good = bench.tests["Good"]
    disjoint = add_finished_test(bench.user, bench.model_id, bench.dataset_id, {"b0": 0.1})
    with read_scope() as session:
        for ids, target, metric, words in (
            ([good, elsewhere], "PCL", "rmse", "different datasets"),
            ([good], "PCL", "rmse", "two or more"),
            ([good, bench.tests["Poor"]], "RUL", "rmse", "does not predict RUL"),
            ([good, bench.tests["Poor"]], "PCL", "r2", "not by 'r2'"),
            ([good, disjoint], "PCL", "rmse", "no labelled battery that none"),
        ):
            with pytest.raises(InvalidInput, match=words):
                compare_tests(session, bench.user, ids, target, metric)
        with pytest.raises(NotFound):
            compare_tests(session, replace(bench.user, id=999), [good, disjoint], "PCL")


def test_other_labels_are_noticed(bench: Bench) -> None:
    few = errors(0.006, codes=CODES[:4])
    late = add_finished_test(bench.user, bench.model_id, bench.dataset_id, few, level=0.06)
    with read_scope() as session:
        assert compare_tests(session, bench.user, [bench.tests["Good"], late], "PCL").labels_differ


def test_the_board_ranks_only_what_it_can_tell_apart(bench: Bench) -> None:
    with read_scope() as session:
        board = next(b for b in list_boards(session, bench.user) if b.n_models >= 4)
        found = rank_models(session, bench.user, board)
    assert [s.test.info.model_title for s in found.standings[:2]] == ["Good v1", "Twin of good v1"]
    ranks = {s.test.info.model_title: s.ranks for s in found.standings}
    assert ranks["Good v1"] == ranks["Twin of good v1"] == (1, 2)
    assert ranks["Poor v1"] == ranks["Mean v1"] == (3, 4)
    by_title = {s.test.info.model_title: s for s in found.standings}
    assert by_title["Good v1"].beats == ("Mean v1",)
    assert by_title["Poor v1"].ties == ("Mean v1",)
    assert by_title["Mean v1"].beats == by_title["Mean v1"].ties == ()
    assert by_title["Mean v1"].test.is_floor
    assert found.has_floors
    for standing in found.standings:
        assert standing.interval is not None
        assert standing.interval.low < standing.mean < standing.interval.high
    frame = standings_frame(found)
    assert list(frame["rank_best"]) == [1, 1, 3, 3]
    assert frame["common_unseen_batteries"].eq(len(CODES)).all()


def test_small_tests_do_not_shrink_the_common_ground(bench: Bench) -> None:
    model_id = add_trained_model(bench.user, bench.dataset_id, name="Hasty")
    small = add_finished_test(bench.user, model_id, bench.dataset_id, errors(0.01, codes=CODES[:3]))
    with read_scope() as session:
        board = next(b for b in list_boards(session, bench.user) if b.n_models >= 4)
        found = rank_models(session, bench.user, board)
        assert [test.id for test in found.left_out] == [small]
        assert len(found.comparison.codes) == len(CODES)
        chosen = rank_models(session, bench.user, board, test_ids=[small, bench.tests["Good"]])
        assert len(chosen.comparison.codes) == 3
        with pytest.raises(InvalidInput, match="two models"):
            rank_models(session, bench.user, board, test_ids=[small])


def outcome(difference: float, differs: bool) -> str:
    return "tie" if not differs else "better" if difference < 0 else "worse"


def test_board_and_comparison_say_the_same_of_every_pair(bench: Bench) -> None:
    """Six models, the last of which was tested on fewer batteries than the others."""
    for name, mean, codes in (
        ("Slightly worse", 0.0046, CODES),
        ("Fewer", 0.0043, CODES[:10]),
    ):
        model_id = add_trained_model(bench.user, bench.dataset_id, "BILSTM", name)
        bench.tests[name] = add_finished_test(
            bench.user, model_id, bench.dataset_id, errors(mean, 0.001, codes)
        )
    chosen = [bench.tests[n] for n in ("Good", "Twin of good", "Poor", "Mean")]
    chosen += [bench.tests["Slightly worse"], bench.tests["Fewer"]]
    with read_scope() as session:
        board = next(b for b in list_boards(session, bench.user) if b.n_models >= 4)
        found = rank_models(session, bench.user, board, test_ids=chosen)
        ids = [test.info.id for test in found.comparison.tests]
        assert set(ids) == set(chosen)
        seen = set()
        for pair in found.comparison.pairs:
            two = [ids[pair.first], ids[pair.second]]
            for order in (two, two[::-1]):
                alone = compare_tests(session, bench.user, order, "PCL")
                (there,) = alone.pairs
                sign = 1 if order == two else -1
                on_board = outcome(pair.difference.estimate, pair.difference.differs)
                compared = outcome(sign * there.difference.estimate, there.difference.differs)
                assert on_board == compared
                assert there.difference.n_batteries == pair.difference.n_batteries
                seen.add(on_board)
        for standing in found.standings:
            floors = {*standing.beats, *standing.ties, *standing.loses}
            assert floors == (set() if standing.test.is_floor else {"Mean v1"})
            place = ids.index(standing.test.info.id)
            mean = ids.index(bench.tests["Mean"])
            for pair in found.comparison.pairs:
                if {pair.first, pair.second} == {place, mean}:
                    # What excludes zero is never called a tie.
                    assert bool(standing.ties) == (not pair.difference.differs)
    assert seen >= {"tie", "better"} or seen >= {"tie", "worse"}
    sizes = {pair.difference.n_batteries for pair in found.comparison.pairs}
    assert sizes == {10, len(CODES)}
    assert len(found.comparison.codes) == 10


def test_a_shared_rank_says_how_many_batteries_would_settle_it(bench: Bench) -> None:
    with read_scope() as session:
        board = next(b for b in list_boards(session, bench.user) if b.n_models >= 4)
        chosen = [bench.tests[name] for name in ("Good", "Twin of good", "Poor")]
        found = rank_models(session, bench.user, board, test_ids=chosen)
    first, second, last = found.standings
    assert first.ranks == second.ranks == (1, 2) and last.ranks == (3, 3)
    assert last.neighbours == ()
    (neighbour,) = first.neighbours
    assert found.comparison.tests[neighbour.place].info.id == second.test.info.id
    assert neighbour.needed is None or neighbour.needed > len(CODES)
    assert second.neighbours[0].needed == neighbour.needed
