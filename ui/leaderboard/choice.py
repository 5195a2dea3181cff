"""The boxes of the leaderboard: dataset, target, horizon and error."""

from collections.abc import Callable, Sequence
from typing import TypeVar

import streamlit as st

from core.evaluation.comparison import COMPARED_METRICS
from core.evaluation.leaderboard import Board
from ui.evaluation.words import TARGET_TITLES, horizon_text, metric
from ui.shared.links import set_address

Value = TypeVar("Value", int, str)


def choose_board(boards: Sequence[Board]) -> Board:
    """Let the reader choose a board and keep it in the address; starts with the largest one."""
    fullest = max(boards, key=lambda board: board.n_models)
    names = {board.dataset_id: board.dataset_name for board in boards}
    dataset_id = _choose("Dataset", list(names), fullest.dataset_id, names.__getitem__, width=320)
    here = [board for board in boards if board.dataset_id == dataset_id]
    fullest = max(here, key=lambda board: board.n_models)
    targets = {board.target for board in here}
    target = _choose(
        "Target", sorted(targets), fullest.target, TARGET_TITLES.__getitem__, width=220
    )
    here = [board for board in here if board.target == target]
    fullest = max(here, key=lambda board: board.n_models)
    horizons = sorted(board.horizon for board in here)
    horizon = _choose("How far ahead", horizons, fullest.horizon, horizon_text, width=280)
    set_address(dataset=dataset_id, target=target, horizon=horizon)
    return next(board for board in here if board.horizon == horizon)


def choose_metric(board: Board) -> str:
    """The error by which models are ranked."""
    wanted = st.query_params.get("metric")
    chosen = st.segmented_control(
        "Error",
        COMPARED_METRICS,
        format_func=lambda key: metric(key, board.target).quantity.short,
        default=wanted if wanted in COMPARED_METRICS else "rmse",
        required=True,
        key=f"board_metric_{board.target}",
    )
    set_address(metric=chosen if chosen != "rmse" else None)
    return chosen or "rmse"


def _choose(
    label: str, options: Sequence[Value], default: Value, words: Callable[[Value], str], width: int
) -> Value:
    """Draw a box that starts from the address; it is disabled if there is only one option."""
    wanted = st.query_params.get(label.lower())
    first = next((option for option in options if str(option) == wanted), default)
    chosen: Value = st.selectbox(
        label,
        options,
        index=options.index(first),
        format_func=words,
        # With the options, so that another dataset does not inherit a choice it lacks.
        key=f"board_{label}_{hash(tuple(options))}",
        disabled=len(options) == 1,
        width=width,
    )
    return chosen
