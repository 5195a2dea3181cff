"""Leaderboard: ranks the user's models on a dataset, as far as they can be told apart."""

from collections.abc import Sequence

import streamlit as st

from core.access.actor import CurrentUser
from core.base.database import read_scope
from core.evaluation.leaderboard import Board, list_boards
from ui.leaderboard.choice import choose_board, choose_metric
from ui.leaderboard.table import show_board
from ui.shared.frame import empty_state, page_header
from ui.shared.links import address_id

PURPOSE = "Your models on the same unseen batteries; a rank is stated only where it is certain."


def render(user: CurrentUser) -> None:
    """Draw the choice of the question and its ranking."""
    page_header("Leaderboard", PURPOSE)
    with read_scope() as session:
        boards = list_boards(session, user)
    if not boards:
        empty_state(
            "No finished test to rank yet. Test two models on the same batteries.",
            "New test",
            "new-test",
        )
        return
    if _unknown_dataset(boards):
        st.info(
            "There is no finished test of yours on that dataset. Here is another one.",
            icon=":material/info:",
        )
    with st.container(horizontal=True, vertical_alignment="bottom"):
        board = choose_board(boards)
        metric = choose_metric(board)
    show_board(user, board, metric)


def _unknown_dataset(boards: Sequence[Board]) -> bool:
    """Whether the address names a dataset that none of the boards is about."""
    wanted = address_id("dataset")
    known = {board.dataset_id for board in boards}
    return "dataset" in st.query_params and wanted not in known
