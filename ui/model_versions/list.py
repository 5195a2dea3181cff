"""Models, a page at a time; one opens, several are compared."""

from collections.abc import Sequence
from dataclasses import replace

import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.access.actor import CurrentUser
from core.base.database import read_scope
from core.base.paging import Listed
from core.datasets.overruled import overruled_notes
from core.model_versions.filters import MODEL_ORDERS, ModelFilter
from core.model_versions.versions import ModelInfo, has_twins, list_models
from ui.model_versions.settings import comparison
from ui.shared.frame import empty_state
from ui.shared.links import link
from ui.shared.list_boxes import Boxes, is_beyond, list_boxes, no_match, page_buttons
from ui.shared.numbers import styled_metrics
from ui.shared.overruled import marked, overruled_captions
from ui.shared.theme import TARGET_INFO, algorithm_label
from ui.training.errors import ERROR_ROLES, error_heading, kind_text, shown_error
from ui.training.list import target_text

LATEST = 3


def show_models(user: CurrentUser) -> None:
    """Draw the table, the links of the chosen models and, for two or more, their comparison."""
    slot = st.empty()
    with slot.container():
        boxes = list_boxes(
            "model", list(MODEL_ORDERS), dataset="Of dataset", algorithm=True, question=True
        )
        twins = st.container()
    models = _read(user, boxes, twins)
    if is_beyond(models):
        st.rerun()
    if not models and boxes.are_empty:
        slot.empty()
        empty_state(
            "No models yet. Each run of a training yields one.", "New training", "new-training"
        )
        return
    if not models:
        no_match("model")
        return
    links = st.container(horizontal=True, vertical_alignment="center")
    chosen = _table(models)
    page_buttons(models)
    with links:
        st.caption(
            "Open:" if chosen else "Tick one to open it, several to compare them. First:",
            width="content",
        )
        for model in chosen or models[:LATEST]:
            link(model.title, "models", icon=":material/deployed_code:", model=model.id)
    if len(chosen) > 1:
        comparison(user, chosen)


def _read(user: CurrentUser, boxes: Boxes, place: DeltaGenerator) -> Listed[ModelInfo]:
    """A page of models; those trained as twins of others would flood it, so they wait for a switch.

    Where there are no other models they are shown all the same.
    """
    wanted = ModelFilter(
        name=boxes.name,
        dataset=boxes.dataset,
        algorithm=boxes.algorithm,
        target=boxes.target,
        forecasts=boxes.forecasts,
        since=boxes.since,
    )
    page = boxes.page()
    with read_scope() as session:
        if not has_twins(session, user):
            return list_models(session, user, wanted, page)
        shown = place.toggle("Show twins with and without physics", key="models_with_twins")
        models = list_models(session, user, replace(wanted, twins=shown), page)
        if models or shown or not boxes.are_empty:
            return models
        return list_models(session, user, wanted, page)


def _table(models: Sequence[ModelInfo]) -> list[ModelInfo]:
    zone = st.context.timezone or "UTC"
    event = st.dataframe(
        styled_metrics(
            _frame(models),
            {error_heading(role, target): "rmse" for role in ERROR_ROLES for target in TARGET_INFO},
            missing="-",
        ),
        hide_index=True,
        key=f"models_{hash(tuple(model.id for model in models))}",
        on_select="rerun",
        selection_mode="multi-row",
        placeholder="-",
        alt="Models",
        column_config={
            "Created": st.column_config.DatetimeColumn(
                f"Created ({zone})", format="localized", timezone=zone
            ),
            "Labels": st.column_config.TextColumn(
                help="Changed: the labels of the dataset were recomputed after the training."
            ),
            **{
                error_heading(role, target): st.column_config.NumberColumn(
                    help=f"Root mean square error over the cycles of the {batteries} batteries of "
                    "the model's own dataset: of estimates at the measured cycle, of forecasts one "
                    "cycle ahead. Compare only models of one kind and dataset.",
                )
                for role, batteries in ERROR_ROLES.items()
                for target in TARGET_INFO
            },
        },
    )
    overruled_captions({m.title: overruled_notes(m.overruled) for m in models if m.overruled})
    return [models[row] for row in event.selection.rows]


def _frame(models: Sequence[ModelInfo]) -> pd.DataFrame:
    columns: dict[str, list[object]] = {
        "Model": [marked(model.title, model.overruled) for model in models],
        "Kind": [kind_text(model.max_horizon) for model in models],
        "Dataset": [model.dataset_name for model in models],
        "Algorithm": [algorithm_label(model.algorithm) for model in models],
    }
    for target in TARGET_INFO:
        for role in ERROR_ROLES:
            values = [shown_error(model.metrics, role, target) for model in models]
            if any(value is not None for value in values):
                columns[error_heading(role, target)] = list(values)
    columns |= {
        "Target": [target_text(model.target) for model in models],
        "Labels": ["Changed since" if model.labels_changed else "Current" for model in models],
    }
    created = pd.DatetimeIndex([model.created_at for model in models]).tz_localize("UTC")
    return pd.DataFrame(columns).assign(Created=created)
