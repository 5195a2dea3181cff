"""Ranks a user's models on a dataset, as far as the data can tell them apart."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core.access import guard
from core.access.actor import CurrentUser
from core.base.errors import InvalidInput
from core.base.spreadsheets import harmless
from core.evaluation.comparison import (
    ComparedTest,
    Comparison,
    compare_tests,
    is_floor,
    label_groups_of,
    unseen_errors,
)
from core.evaluation.evaluations import TestInfo, describe_tests
from core.evaluation.label_scoring import OWN_LABELS
from core.measures.bootstrap import Interval
from db.tables import Dataset, TestJob, TestJobMetricOverall

MOST_RANKED = 20
# The newest questions, and of one question the newest tests; older ones would not be found in a
# box either, and every test costs the reading of all its batteries.
MOST_BOARDS = 1000
MOST_CONSIDERED = 200


@dataclass(frozen=True)
class Board:
    """A dataset, target and horizon on which finished tests can be ranked; 0 is an estimate."""

    dataset_id: int
    dataset_name: str
    target: str
    horizon: int
    n_models: int


@dataclass(frozen=True)
class Standing:
    """One model on the board.

    mean : mean over the common batteries of the board's metric, with its interval at 95 %
    ranks : best and worst rank that remain possible; equal where the rank is certain
    beats : titles of the floors that it beats beyond chance, judged pair by pair
    ties : those of which chance may explain the difference
    loses : those that beat it beyond chance
    neighbours : the ones next to it in the order from which its rank cannot be told apart
    """

    test: ComparedTest
    mean: float
    interval: Interval | None
    ranks: tuple[int, int]
    beats: tuple[str, ...]
    ties: tuple[str, ...]
    loses: tuple[str, ...] = ()
    neighbours: tuple["Neighbour", ...] = ()


@dataclass(frozen=True)
class Neighbour:
    """A test with which a rank is shared, by its place in the comparison.

    needed : about how many batteries would tell the two apart; None: more than there will be
    """

    place: int
    needed: int | None


@dataclass(frozen=True)
class Leaderboard:
    """Models by error, the lowest first.

    candidates : one test per model (the one with most unseen batteries, then the newest)
    left_out : candidates that are not ranked
    label_group, label_groups : the labels that all of these were scored against, and all those
        that tests of this board were scored against, "" for those of the dataset
    """

    board: Board
    comparison: Comparison
    standings: tuple[Standing, ...]
    candidates: tuple[TestInfo, ...]
    left_out: tuple[TestInfo, ...]
    label_group: str = OWN_LABELS
    label_groups: tuple[str, ...] = (OWN_LABELS,)

    @property
    def has_floors(self) -> bool:
        """Whether there is a floor to beat."""
        return any(standing.test.is_floor for standing in self.standings)


def list_boards(session: Session, user: CurrentUser) -> list[Board]:
    """List the boards that the user's finished tests allow, those of the newest test first."""
    scored = TestJobMetricOverall
    found = (
        guard.visible_results(user)
        .join(scored, scored.test_job_id == TestJob.id)
        .with_only_columns(
            TestJob.dataset_id,
            scored.target,
            TestJob.horizon,
            func.count(TestJob.model_version_id.distinct()).label("n_models"),
            func.max(TestJob.id).label("newest"),
        )
        .group_by(TestJob.dataset_id, scored.target, TestJob.horizon)
        .order_by(func.max(TestJob.id).desc(), TestJob.dataset_id, scored.target)
        .limit(MOST_BOARDS)
        .subquery()
    ).c
    # Names join the boards, not the tests, of which there are many more.
    query = (
        select(found.dataset_id, Dataset.name, found.target, found.horizon, found.n_models)
        .join(Dataset, Dataset.id == found.dataset_id)
        .order_by(found.newest.desc(), found.dataset_id, found.target)
    )
    return [Board(*row) for row in session.execute(query)]


def rank_models(
    session: Session,
    user: CurrentUser,
    board: Board,
    metric: str = "rmse",
    test_ids: Sequence[int] | None = None,
    label_group: str | None = None,
) -> Leaderboard:
    """Rank the models of a board; by default those that share enough unseen batteries.

    Only tests that were scored against the same labels rank together; by default the largest
    such group.

    Raises
    ------
    InvalidInput
        There are fewer than two models, or no battery is unseen by all of them.
    """
    guard.get_dataset(session, user, board.dataset_id)
    tests = describe_tests(session, user, _newest_tests(session, user, board))
    groups = label_groups_of(tests, board.target)
    group = label_group if label_group in groups else next(iter(groups), OWN_LABELS)
    errors, candidates = _candidates(session, user, board, groups.get(group, []))
    chosen = _chosen(candidates, errors, board.target, test_ids)
    if len(chosen) < 2:
        raise InvalidInput(
            "A ranking needs two models that were tested on this dataset for the same question. "
            "Test another model; a floor such as the mean curve is a good start."
        )
    ids = [test.id for test in chosen]
    compared = compare_tests(session, user, ids, board.target, metric)
    order = sorted(range(len(ids)), key=lambda i: compared.means.means[i])
    return Leaderboard(
        board,
        compared,
        tuple(_standing(compared, place, order) for place in order),
        tuple(candidates),
        tuple(test for test in candidates if test.id not in ids),
        group,
        tuple(name for name, part in groups.items() if name == group or _is_ranked(part)),
    )


def standings_frame(found: Leaderboard) -> pd.DataFrame:
    """The ranking as a table for a file; PCL as a fraction, RUL in cycles."""
    metric = found.comparison.metric
    return pd.DataFrame(
        [
            {
                "rank_best": standing.ranks[0],
                "rank_worst": standing.ranks[1],
                "model": standing.test.info.model_title,
                "algorithm": standing.test.info.algorithm,
                "is_floor": standing.test.is_floor,
                "dataset": found.board.dataset_name,
                "target": found.board.target,
                "horizon_cycles": found.board.horizon,
                f"mean_battery_{metric}": standing.mean,
                "interval_low": standing.interval.low if standing.interval else None,
                "interval_high": standing.interval.high if standing.interval else None,
                f"pooled_{metric}": standing.test.overall.value(metric),
                "common_unseen_batteries": len(found.comparison.codes),
                "cycles": standing.test.overall.n,
                "floors_beaten": "; ".join(standing.beats),
                "floors_not_shown_to_be_beaten": "; ".join(standing.ties),
                "floors_lost_to": "; ".join(standing.loses),
                "labels": found.label_group,
                "test_id": standing.test.info.id,
                "overruled_findings": harmless(" ".join(standing.test.info.overruled)),
            }
            for standing in found.standings
        ]
    )


def _is_ranked(tests: Sequence[TestInfo]) -> bool:
    return len({test.model_version_id for test in tests}) > 1


def _candidates(
    session: Session, user: CurrentUser, board: Board, tests: Sequence[TestInfo]
) -> tuple[pd.DataFrame, list[TestInfo]]:
    """Errors of some tests of the board, and one test per model, lowest pooled RMSE first."""
    errors = unseen_errors(session, user, [test.id for test in tests], board.target)
    sizes = errors["test_id"].value_counts()
    best: dict[int, TestInfo] = {}
    for test in sorted(tests, key=lambda test: (-sizes.get(test.id, 0), -test.id)):
        best.setdefault(test.model_version_id, test)
    found = [test for test in best.values() if sizes.get(test.id, 0)]
    return errors, sorted(found, key=lambda test: _rmse(test, board.target))


def _newest_tests(session: Session, user: CurrentUser, board: Board) -> Sequence[int]:
    """The newest tests that answer the question of the board."""
    scored = TestJobMetricOverall
    return session.scalars(
        guard.visible_results(user)
        .join(scored, scored.test_job_id == TestJob.id)
        .where(
            TestJob.dataset_id == board.dataset_id,
            TestJob.horizon == board.horizon,
            scored.target == board.target,
        )
        .with_only_columns(TestJob.id)
        .order_by(TestJob.id.desc())
        .limit(MOST_CONSIDERED)
    ).all()


def _chosen(
    candidates: Sequence[TestInfo],
    errors: pd.DataFrame,
    target: str,
    test_ids: Sequence[int] | None,
) -> list[TestInfo]:
    """The tests asked for; by default those that share at least half of the largest unseen set.

    Tests join in the order of their number of unseen batteries. A test that would shrink the set
    that all share below half of the largest one is left out.
    """
    if test_ids is not None:
        return [test for test in candidates if test.id in test_ids][:MOST_RANKED]
    unseen = {
        test.id: set(errors.loc[errors["test_id"] == test.id, "battery_code"])
        for test in candidates
    }
    chosen: list[TestInfo] = []
    common: set[str] = set()
    for test in sorted(candidates, key=lambda test: -len(unseen[test.id])):
        shared = common & unseen[test.id] if chosen else unseen[test.id]
        if not chosen or 2 * len(shared) >= len(unseen[chosen[0].id]):
            chosen, common = [*chosen, test], shared
    floors_first = sorted(
        chosen, key=lambda test: (not is_floor(test.algorithm), _rmse(test, target))
    )
    return floors_first[:MOST_RANKED]


def _rmse(test: TestInfo, target: str) -> float:
    """Pooled RMSE over the unseen batteries, for sorting; infinite where it is undefined."""
    value = test.overall[target].rmse
    return math.inf if value is None else value


def _standing(compared: Comparison, place: int, order: Sequence[int]) -> Standing:
    beats, ties, loses = _against_floors(compared, place)
    return Standing(
        compared.tests[place],
        float(compared.means.means[place]),
        compared.means.intervals[place],
        compared.means.ranks[place],
        beats,
        ties,
        loses,
        _neighbours(compared, place, order),
    )


def _against_floors(
    compared: Comparison, place: int
) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    """Floors that a model beats, those it may tie with, and those it loses to, pair by pair."""
    found: dict[str, list[str]] = {"beats": [], "ties": [], "loses": []}
    for pair in compared.pairs:
        if place not in (pair.first, pair.second):
            continue
        other = pair.second if place == pair.first else pair.first
        if compared.tests[place].is_floor or not compared.tests[other].is_floor:
            continue
        advantage = pair.difference.estimate * (1 if place == pair.first else -1)
        outcome = "ties" if not pair.difference.differs else "beats" if advantage < 0 else "loses"
        found[outcome].append(compared.tests[other].info.model_title)
    return tuple(found["beats"]), tuple(found["ties"]), tuple(found["loses"])


def _neighbours(compared: Comparison, place: int, order: Sequence[int]) -> tuple[Neighbour, ...]:
    at = list(order).index(place)
    beside = {*order[max(at - 1, 0) : at], *order[at + 1 : at + 2]}
    return tuple(
        Neighbour(next(iter({part.first, part.second} - {place})), part.needed)
        for part in compared.means.separations
        if not part.is_certain
        and place in (part.first, part.second)
        and beside & {part.first, part.second}
    )
