"""The choice of other tests to draw beside the open one."""

from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from core.access.actor import CurrentUser
from core.base.database import read_scope
from core.evaluation.drawable import Peer, list_peers
from core.evaluation.evaluations import TestInfo
from core.evaluation.results import TestResult
from ui.evaluation.names import names_of
from ui.shared.theme import is_floor
from ui.shared.words import counted

MOST_PEERS = 8


@dataclass(frozen=True)
class Drawn:
    """A test in a figure of several, and what it is called there."""

    info: TestInfo
    name: str


def choose_drawn(user: CurrentUser, result: TestResult, target: str, view: str) -> list[Drawn]:
    """The open test and those chosen to be drawn beside it, the models of its job to begin with.

    Tests of floors are not offered: the figures bring their own.
    """
    with read_scope() as session:
        found = list_peers(session, user, result.info.id, target)
    peers = [peer for peer in found if not is_floor(peer.info.algorithm)]
    offered = [peer for peer in peers if peer.same_batteries]
    infos = [result.info, *(peer.info for peer in offered)]
    names = dict(zip((info.id for info in infos), names_of(infos), strict=True))
    chosen = _chosen(offered, names, f"peers_{view}_{result.info.id}_{target}") if offered else []
    _left_out_note(peers)
    kept = [info for info in infos if info.id == result.info.id or info.id in chosen]
    return [Drawn(info, names[info.id]) for info in kept]


def _chosen(offered: Sequence[Peer], names: dict[int, str], key: str) -> list[int]:
    return st.multiselect(
        "Also draw",
        [peer.info.id for peer in offered],
        default=[peer.info.id for peer in offered if peer.same_job][:MOST_PEERS],
        format_func=names.__getitem__,
        max_selections=MOST_PEERS,
        key=key,
        placeholder="No other test",
        help="Finished tests of other models on the same dataset and the same unseen batteries; "
        "those of the same training come first.",
    )


def _left_out_note(peers: Sequence[Peer]) -> None:
    others = sum(not peer.same_batteries for peer in peers)
    if others:
        st.caption(
            f"{counted(others, 'test')} of other models on this dataset had other unseen "
            f"batteries and {'is' if others == 1 else 'are'} not offered: the errors cannot be "
            "compared."
        )
