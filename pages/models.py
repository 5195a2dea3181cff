"""Models: the models that trainings made; open one, or compare several."""

import streamlit as st

from core.access.actor import CurrentUser
from core.base.database import read_scope
from core.base.errors import NotFound
from core.model_versions.versions import get_model_info
from ui.model_versions.detail import show_model
from ui.model_versions.list import show_models
from ui.shared.frame import page_header
from ui.shared.links import address_id, link
from ui.shared.list_boxes import forget_other_addresses

PURPOSE = "One model per successful run, with its errors on batteries it was not fitted on."


def render(user: CurrentUser) -> None:
    """Draw the list, or the model that the address names."""
    model_id = address_id("model")
    if model_id is None:
        forget_other_addresses()
        page_header("Models", PURPOSE)
        show_models(user)
        return
    try:
        with read_scope() as session:
            model = get_model_info(session, user, model_id)
    except NotFound as error:
        page_header("Models", PURPOSE)
        st.error(str(error), icon=":material/error:")
        link("All models", "models", icon=":material/arrow_back:")
        return
    show_model(user, model)
