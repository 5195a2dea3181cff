"""Draws a leaderboard: the verdict, the table of ranks, the intervals, the file."""

from collections.abc import Mapping, Sequence

import pandas as pd
import streamlit as st
from pandas.io.formats.style import Styler

from core.access.actor import CurrentUser
from core.base.database import read_scope
from core.base.errors import InvalidInput
from core.evaluation.evaluations import TestInfo
from core.evaluation.leaderboard import Board, Leaderboard, Standing, rank_models, standings_frame
from core.measures.bootstrap import FEWEST_BATTERIES
from core.measures.paired import MOST_NEEDED
from ui.evaluation.names import names_of, notes_by_name
from ui.evaluation.paired import verdict
from ui.evaluation.words import Metric, labels_text, metric
from ui.shared.figures.differences import mean_forest
from ui.shared.frame import is_dark
from ui.shared.links import go, link
from ui.shared.numbers import fixed_digits, styled_metrics
from ui.shared.overruled import overruled_captions
from ui.shared.theme import PLOTLY_CONFIG, algorithm_label, palette
from ui.shared.words import counted, plain

MOST_COMPARED = 8


def show_board(user: CurrentUser, board: Board, key: str) -> None:
    """Rank the models of a board and draw the ranking, or say why there is none."""
    try:
        with read_scope() as session:
            found = rank_models(
                session, user, board, key, _chosen_ids(board), st.session_state.get(_labels(board))
            )
    except InvalidInput as error:
        st.info(str(error), icon=":material/info:")
        link("New test", "new-test", icon=":material/science:")
        _forget_choice(board)
        return
    names = names_of([test.info for test in found.comparison.tests])
    by_id = {t.info.id: name for t, name in zip(found.comparison.tests, names, strict=True)}
    _choose_labels(board, found)
    _cautions(found)
    ranked = [test.info for test in found.comparison.tests]
    overruled_captions(notes_by_name(ranked, names))
    st.markdown(verdict(found.comparison, names))
    st.caption(_ground(found))
    _table(found, by_id)
    _forest(found, by_id)
    _actions(found)
    _choose_tests(board, found)


def rank_text(standing: Standing) -> str:
    """The rank as one number if it is certain, else the range of possible ranks."""
    best, worst = standing.ranks
    return str(best) if best == worst else f"{best}-{worst}"


def floor_text(standing: Standing) -> str:
    """Which floors a model beats, and which not, in words."""
    if standing.test.is_floor:
        return "is a floor"
    parts = [f"worse than {', '.join(standing.loses)}"] if standing.loses else []
    if standing.ties:
        parts.append(f"not shown to beat {', '.join(standing.ties)}")
    if parts:
        return "; ".join(parts)
    return "beats every floor" if standing.beats else "no floor tested"


def shared_text(found: Leaderboard, standing: Standing, names: Mapping[int, str]) -> str:
    """Why a rank is shared, and how many batteries would settle it; empty for a certain rank."""
    ground = (
        f"{counted(len(found.standings), 'model')} on "
        f"{counted(len(found.comparison.codes), 'battery', 'batteries')}"
    )
    parts = []
    for neighbour in standing.neighbours:
        other = names[found.comparison.tests[neighbour.place].info.id]
        parts.append(
            f"about {neighbour.needed:,} batteries would tell it from {other}"
            if neighbour.needed
            else f"no number of batteries up to {MOST_NEEDED:,} would tell it from {other}"
        )
    return f"{ground}: {'; '.join(parts)}" if parts else ""


def _chosen_ids(board: Board) -> list[int] | None:
    return st.session_state.get(_key(board)) or None


def _forget_choice(board: Board) -> None:
    """Offer to rank all models again after a choice that cannot be ranked."""
    if st.session_state.get(_key(board)) and st.button("Rank all models again"):
        del st.session_state[_key(board)]
        st.rerun()


def _choose_labels(board: Board, found: Leaderboard) -> None:
    """Which labels the ranked tests were scored against, where there are several."""
    if len(found.label_groups) < 2:
        return
    st.selectbox(
        "Scored against",
        found.label_groups,
        index=found.label_groups.index(found.label_group),
        format_func=lambda group: labels_text(group, board.dataset_name),
        key=_labels(board),
        width=420,
        help="Models of another end of life than the dataset's are scored against labels of their "
        "own. Only tests of one end of life rank together.",
    )


def _labels(board: Board) -> str:
    return f"{_key(board)}_labels"


def _choose_tests(board: Board, found: Leaderboard) -> None:
    """Which models take part; the default follows from the ranking."""
    titles: dict[int, str] = dict(
        zip((t.id for t in found.candidates), names_of(found.candidates), strict=True)
    )
    with st.expander(_choice_label(found), icon=":material/filter_list:"):
        ranked = [test.info.id for test in found.comparison.tests]
        chosen = st.multiselect(
            "Models that take part",
            list(titles),
            default=None if _key(board) in st.session_state else ranked,
            format_func=titles.__getitem__,
            key=f"{_key(board)}_widget",
        )
        if set(chosen) != set(ranked) and st.button("Rank these", disabled=len(chosen) < 2):
            st.session_state[_key(board)] = chosen
            st.rerun()
        if found.left_out:
            st.caption(
                "A model that was tested on few of the batteries is left out at first, because "
                "only batteries that all of them share count."
            )


def _choice_label(found: Leaderboard) -> str:
    ranked = counted(len(found.standings), "model")
    left_out = f", {len(found.left_out)} left out" if found.left_out else ""
    return f"{ranked} ranked{left_out}"


def _key(board: Board) -> str:
    return f"board_tests_{board.dataset_id}_{board.target}_{board.horizon}"


def _cautions(found: Leaderboard) -> None:
    if found.comparison.labels_differ:
        st.warning(
            "The labels of this dataset changed between these tests, so they were scored against "
            "different true values. Test the older models again.",
            icon=":material/warning:",
        )
    for reason, titles in (
        ("worse than a floor", [s.test.info.model_title for s in found.standings if s.loses]),
        ("not shown to beat a floor", [s.test.info.model_title for s in found.standings if s.ties]),
    ):
        if titles:
            st.warning(
                f"{plain(', '.join(titles))}: {reason} on these batteries.",
                icon=":material/vertical_align_bottom:",
            )
    if not found.has_floors:
        st.caption(
            "No floor was tested here. Train the mean curve, and for forecasts the last value and "
            "last slope, to see whether these models are worth it."
        )


def _ground(found: Leaderboard) -> str:
    n = len(found.comparison.codes)
    certain = (
        "A range of ranks such as 2-4 means that these models cannot be told apart here"
        if n >= FEWEST_BATTERIES
        else f"Fewer than {FEWEST_BATTERIES} batteries allow no interval, so no rank is certain"
    )
    return (
        f"{counted(n, 'battery', 'batteries')} that none of these models had seen. {certain}. "
        "Ranks alone are corrected for comparing many pairs at once (Holm); what is said of two "
        "models, a floor among them, is said of that pair alone, as in a comparison of the two."
    )


def _table(found: Leaderboard, names: dict[int, str]) -> None:
    item = metric(found.comparison.metric, found.board.target)
    event = st.dataframe(
        _styled(found, _frame(found, names, item), item),
        hide_index=True,
        height="content",
        key=f"board_{found.board.dataset_id}_{found.board.target}_{found.board.horizon}",
        on_select="rerun",
        selection_mode="single-cell",
        alt=f"Models by {item.quantity.label}, the lowest first.",
        column_config={
            "Rank": st.column_config.TextColumn(
                width="small", help="A range, such as 2-4, where the models cannot be told apart."
            ),
            f"Mean {item.header}": st.column_config.NumberColumn(
                help=f"Mean over batteries: every battery counts the same. {item.help}"
            ),
            f"{item.header}, all cycles": st.column_config.NumberColumn(
                help="Over all cycles together, so that long-lived batteries count more."
            ),
            "95 % interval": st.column_config.TextColumn(
                help="Of the mean over batteries, from resampling the batteries (bootstrap)."
            ),
        },
    )
    st.caption("Choose a cell to open the test. Floors, which any model must beat, are grey.")
    cells = event.selection.get("cells", [])
    if cells:
        go("results", test=found.standings[cells[0][0]].test.info.id)


def _frame(found: Leaderboard, names: dict[int, str], item: Metric) -> pd.DataFrame:
    factor = item.quantity.factor
    return pd.DataFrame(
        [
            {
                "Rank": rank_text(standing),
                "Model": names[standing.test.info.id],
                f"Mean {item.header}": standing.mean * factor,
                "95 % interval": _interval(standing, factor),
                f"{item.header}, all cycles": (standing.test.overall.value(item.key) or 0.0)
                * factor,
                "Algorithm": ("Floor: " if standing.test.is_floor else "")
                + algorithm_label(standing.test.info.algorithm),
                "Against the floors": floor_text(standing),
                "Why the rank is shared": shared_text(found, standing, names),
            }
            for standing in found.standings
        ]
    )


def _interval(standing: Standing, factor: float) -> str:
    found = standing.interval
    if found is None:
        return "too few batteries"
    return f"{fixed_digits(found.low * factor)} to {fixed_digits(found.high * factor)}"


def _styled(found: Leaderboard, frame: pd.DataFrame, item: Metric) -> Styler:
    grey = f"color: {palette(is_dark()).muted}"
    numbers = {f"Mean {item.header}": item.key, f"{item.header}, all cycles": item.key}
    styler = styled_metrics(frame, numbers, missing="none")
    floors = [place for place, s in enumerate(found.standings) if s.test.is_floor]
    return styler.map(lambda _: grey, subset=(floors, list(frame.columns)))


def _forest(found: Leaderboard, names: dict[int, str]) -> None:
    rows = pd.DataFrame(
        [
            {
                "name": names[standing.test.info.id],
                "algorithm": standing.test.info.algorithm,
                "mean": standing.mean,
                "low": standing.interval.low if standing.interval else float("nan"),
                "high": standing.interval.high if standing.interval else float("nan"),
            }
            for standing in found.standings
        ]
    )
    quantity = metric(found.comparison.metric, found.board.target).quantity
    st.plotly_chart(
        mean_forest(rows, quantity, dark=is_dark()),
        theme=None,
        config=PLOTLY_CONFIG,
        key=f"board_forest_{found.board.dataset_id}_{found.board.target}_{found.comparison.metric}",
        alt=f"Mean {quantity.label} of each model with its interval.",
    )


def _actions(found: Leaderboard) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.download_button(
            "CSV",
            data=standings_frame(found).to_csv(index=False),
            file_name=f"leaderboard_{found.board.target}_h{found.board.horizon}.csv",
            mime="text/csv",
            on_click="ignore",
            icon=":material/download:",
        )
        best = _best_tests(found)
        link(
            "Compare in detail",
            "results",
            icon=":material/compare_arrows:",
            compare=",".join(str(test.id) for test in best),
            target=found.board.target,
        )


def _best_tests(found: Leaderboard) -> Sequence[TestInfo]:
    return [standing.test.info for standing in found.standings[:MOST_COMPARED]]
