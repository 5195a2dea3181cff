"""The command `relabel`: another nominal capacity, end of life or version of the label rules."""

from dataclasses import replace
from typing import Annotated, Any

import typer

from core.access.actor import CurrentUser
from core.base.database import read_scope, session_scope
from core.base.errors import InvalidInput
from core.base.words import counted
from core.cli.edge import ActingEmail, AsJson, acting_user
from core.cli.eol_options import EolConsecutive, EolRuleOption, chosen_rule
from core.cli.output import show
from core.datasets.corrected_rules import Correction, accept_correction, preview_correction
from core.datasets.datasets import get_dataset_summary
from core.datasets.relabel import RelabelPreview, apply_relabel, preview_relabel
from core.ingest.mapping import EolRule


def relabel(
    dataset_id: Annotated[int, typer.Argument(metavar="DATASET", help="Its number in `datasets`.")],
    acting: ActingEmail,
    nominal_capacity_ah: Annotated[
        float | None, typer.Option("--nominal", help="Nominal capacity of every battery, Ah.")
    ] = None,
    eol_threshold: Annotated[
        float | None, typer.Option(help="End-of-life threshold, a fraction of nominal capacity.")
    ] = None,
    eol_rule: EolRuleOption = None,
    eol_consecutive: EolConsecutive = None,
    count_isolated: Annotated[
        bool | None,
        typer.Option(
            "--count-isolated/--no-count-isolated",
            help="Whether isolated low readings end a life, too.",
        ),
    ] = None,
    accept_corrected_rules: Annotated[
        bool,
        typer.Option(
            "--accept-corrected-rules", help="Compute the labels by the rules of this release."
        ),
    ] = False,
    apply: Annotated[
        bool, typer.Option("--apply", help="Store the change; without it, it is only shown.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Show, or store, what other labels a dataset would have."""
    user = acting_user(acting)
    with read_scope() as session:
        stored = get_dataset_summary(session, user, dataset_id).eol
    eol = chosen_rule(stored, eol_threshold, eol_rule, eol_consecutive)
    if count_isolated is not None:
        eol = replace(eol, count_isolated=count_isolated)
    wished = None if eol == stored else eol
    if nominal_capacity_ah is None and wished is None:
        if not accept_corrected_rules:
            raise InvalidInput(
                "Say what to change: --nominal, --eol-threshold, --eol-rule, --eol-consecutive, "
                "--count-isolated or --accept-corrected-rules."
            )
        _show_correction(user, dataset_id, apply, as_json)
        return
    _show_change(user, dataset_id, (nominal_capacity_ah, wished), apply, as_json)


def _show_correction(user: CurrentUser, dataset_id: int, apply: bool, as_json: bool) -> None:
    found: Correction
    if apply:
        with session_scope() as session:
            found = accept_correction(session, user, dataset_id)
    else:
        with read_scope() as session:
            found = preview_correction(session, user, dataset_id)
    lives = found.lives.astype(object).where(found.lives.notna(), None).to_dict("records")
    payload = {
        "dataset_id": dataset_id,
        "applied": apply,
        "cycles": found.cycles,
        "batteries": len(found.lives),
        "lives": lives,
    }
    rows = [f"{r['battery_code']}: {_life(r['before'])}, then {_life(r['after'])}" for r in lives]
    show(payload, as_json, [found.describe(), *rows, _hint(apply)])


def _show_change(
    user: CurrentUser,
    dataset_id: int,
    wish: tuple[float | None, EolRule | None],
    apply: bool,
    as_json: bool,
) -> None:
    found: RelabelPreview
    if apply:
        with session_scope() as session:
            found = apply_relabel(session, user, dataset_id, *wish)
    else:
        with read_scope() as session:
            found = preview_relabel(session, user, dataset_id, *wish)
    payload: dict[str, Any] = {
        "dataset_id": dataset_id,
        "applied": apply,
        "cycles": found.cycles,
        "batteries": found.batteries,
        "labelled_before": found.labelled_before,
        "labelled_after": found.labelled_after,
        "lives_before": found.lives_before,
        "lives_after": found.lives_after,
        "models_affected": found.models_affected,
        "corrects_rules": found.corrects_rules,
    }
    lines = [
        f"Values change in {counted(found.cycles, 'cycle')} of "
        f"{counted(found.batteries, 'battery')}.",
        f"Batteries with RUL: {found.labelled_before['RUL']:,} now, "
        f"{found.labelled_after['RUL']:,} then.",
        f"Cycle life: {_range(found.lives_before)} now, {_range(found.lives_after)} then.",
        *(["This includes the corrected rules of labels."] if found.corrects_rules else []),
        _hint(apply),
    ]
    show(payload, as_json, lines)


def _hint(applied: bool) -> str:
    return "Stored." if applied else "Nothing is stored yet: add --apply to do so."


def _life(life: int | None) -> str:
    return "no life" if life is None else f"life {life:,}"


def _range(lives: tuple[int, int] | None) -> str:
    return "none" if lives is None else f"{lives[0]:,} to {lives[1]:,}"
