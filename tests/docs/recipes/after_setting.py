"""After "Add a setting": in the form, with `--set`, on the card, and absent from older models."""

import re
from pathlib import Path

from core.access.actor import CurrentUser
from core.accounts.accounts import user_by_email
from core.base.database import read_scope
from core.model_versions.card import model_card
from core.model_versions.card_text import card_markdown
from models.settings.resolving import resolve, restore_settings
from tests.core.seeding import write_csv
from tests.docs.recipes.commands import ANN, add_ann, answer, import_file
from tests.pages.conftest import run_page, store_fleet, user

__all__ = ["user"]


def test_new_training_asks_for_it(user: CurrentUser) -> None:
    dataset_id = store_fleet(user, "Pouch cells")
    page = run_page("new_training", user, {"dataset": dataset_id})
    shown = [number.label for number in page.number_input]
    assert any("Step between rows" in label for label in shown)


def test_the_command_line_takes_it_and_the_model_keeps_it(data_dir: Path, tmp_path: Path) -> None:
    add_ann()
    dataset = import_file(write_csv(tmp_path / "cells.csv"))["dataset_id"]
    chosen = ("--target", "PCL", "--algorithms", "LINEAR", "--set", "row_step=3")
    trained = answer("train", "--as", ANN, "--dataset", dataset, *chosen)
    (run,) = trained["runs"]
    assert run["status"] == "SUCCEEDED"
    assert re.search(r"Step between rows[^\n]*\b3\b", _card(run["model_version_id"]))


def _card(model_id: int) -> str:
    with read_scope() as session:
        card = model_card(session, user_by_email(session, ANN), model_id)
    return card_markdown(card, "model.pt")


def test_models_from_before_load_with_what_they_did() -> None:
    stored = resolve("LINEAR", {}).to_json()
    del stored["row_step"]
    restored = restore_settings("LINEAR", stored, format_version=4, made_by="0.1.0")
    assert restored == resolve("LINEAR", {"row_step": 1})
