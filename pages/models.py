"""Models: the models that trainings made; open one, or compare several."""

import streamlit as st

from core.database import read_scope
from core.errors import NotFound
from core.registry import get_model_info
from core.users import CurrentUser
from ui.frame import page_header
from ui.links import address_id, link
from ui.list_boxes import forget_other_addresses
from ui.model_detail import show_model
from ui.model_list import show_models

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
