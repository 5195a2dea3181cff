"""The commands `import` and `datasets`."""

from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from core.access.actor import CurrentUser
from core.base.database import read_scope, session_scope
from core.base.errors import BadFile, TaskFailed
from core.base.paging import NEWEST, PAGE_SIZE, Page
from core.base.words import counted
from core.cli.columns import chosen_mapping
from core.cli.edge import ActingEmail, AsJson, NoWait, acting_user
from core.cli.eol_options import EolConsecutive, EolRuleOption, RuleName, chosen_rule
from core.cli.json_files import read_object
from core.cli.lists import NO_MATCH, After, Limit, Named, Since, Sort, Until, show_list
from core.cli.output import show
from core.cli.waiting import INTERRUPTED, finish_or_leave, glance_at
from core.datasets.datasets import DatasetSummary, list_datasets
from core.datasets.filters import DatasetFilter
from core.datasets.uploads import (
    UploadInfo,
    check_mapping,
    confirm_mapping,
    get_upload_info,
    read_limits,
    receive_upload,
)
from core.ingest.formats.preview import Preview
from core.ingest.formats.readers import preview
from core.ingest.limited import run_limited
from core.ingest.mapping import ColumnMapping
from core.ingest.recognition.questions import require_answers

REPORTED = ("batteries", "cycles", "labelled", "split", "split_origin", "censored", "dropped_rows")


class CapacityUnitName(StrEnum):
    """Units of capacity."""

    AH = "Ah"
    MAH = "mAh"


class PartsName(StrEnum):
    """What to do with the parts of a battery whose counter starts again."""

    JOIN = "join"
    SPLIT = "split"


@dataclass(frozen=True)
class _EolWish:
    """What the command line says of end of life; None = as the mapping has it."""

    threshold: float | None
    rule: RuleName | None
    consecutive: int | None
    count_isolated: bool
    rul_threshold: float | None

    def applied(self, mapping: ColumnMapping) -> ColumnMapping:
        """The mapping with that end of life."""
        eol = chosen_rule(mapping.eol, self.threshold, self.rule, self.consecutive)
        stated = self.rul_threshold
        return replace(
            mapping,
            eol_threshold=eol.threshold,
            eol_rule=eol.rule,
            eol_consecutive=eol.consecutive,
            count_isolated=self.count_isolated or mapping.count_isolated,
            rul_eol_threshold=mapping.rul_eol_threshold if stated is None else stated,
        )


def import_file(
    path: Annotated[Path, typer.Argument(metavar="FILE", help="MAT, CSV, XLSX or ZIP.")],
    acting: ActingEmail,
    name: Annotated[
        str | None, typer.Option(help="Name of the dataset; by default that of the file.")
    ] = None,
    nominal_capacity_ah: Annotated[
        float | None, typer.Option(help="Nominal capacity of every battery, Ah.")
    ] = None,
    eol_threshold: Annotated[
        float | None, typer.Option(help="End-of-life threshold, a fraction of nominal capacity.")
    ] = None,
    capacity_unit: Annotated[
        CapacityUnitName | None,
        typer.Option(help="Unit of the capacities, if not in the file."),
    ] = None,
    parts: Annotated[
        PartsName | None,
        typer.Option(help="Join or split a battery whose cycle counter starts again."),
    ] = None,
    eol_rule: EolRuleOption = None,
    eol_consecutive: EolConsecutive = None,
    count_isolated: Annotated[
        bool, typer.Option("--count-isolated", help="Let isolated low readings end a life, too.")
    ] = False,
    rul_eol_threshold: Annotated[
        float | None, typer.Option(help="SOH at which the file's own RUL ends, a fraction.")
    ] = None,
    columns: Annotated[
        Path | None,
        typer.Option(metavar="MAP.JSON", help="Parts of the column mapping; the rest is found."),
    ] = None,
    drop_bad_rows: Annotated[
        bool, typer.Option("--drop-bad-rows", help="Leave unusable rows out instead of stopping.")
    ] = False,
    no_wait: NoWait = False,
    as_json: AsJson = False,
) -> None:
    """Import a file as a dataset."""
    user = acting_user(acting)
    given: dict[str, Any] = dict(read_object(columns)) if columns else {}
    options = {
        "nominal_capacity_ah": nominal_capacity_ah,
        "capacity_unit": capacity_unit.value if capacity_unit else None,
        "parts": parts.value if parts else None,
        "bad_rows": "drop" if drop_bad_rows else None,
    }
    given |= {key: value for key, value in options.items() if value is not None}
    wish = _EolWish(eol_threshold, eol_rule, eol_consecutive, count_isolated, rul_eol_threshold)
    mapping, seen = _mapping(path, given, wish)
    upload_id = _store(user, path, mapping, name or path.stem)

    def look() -> UploadInfo:
        with read_scope() as session:
            return get_upload_info(session, user, upload_id)

    finished = finish_or_leave(
        f"Importing {path.name}",
        lambda: glance_at(look().task),
        no_wait,
        f"python -m core datasets --as {acting}",
    )
    info = look()
    if finished and info.status != "SUCCEEDED":
        raise TaskFailed(info.error_message or "The file was not read. Try again.")
    payload = _payload(info, seen)
    show(payload, as_json, _lines(payload))
    if not finished and not no_wait:
        raise typer.Exit(INTERRUPTED)


def list_all(
    acting: ActingEmail,
    name: Named = "",
    builtin: Annotated[
        bool | None,
        typer.Option("--builtin/--own", help="Only built-in ones, or only those that are not."),
    ] = None,
    since: Since = None,
    until: Until = None,
    sort: Sort = NEWEST,
    limit: Limit = PAGE_SIZE,
    after: After = None,
    as_json: AsJson = False,
) -> None:
    """List the datasets that the account may read, own ones first, 50 at once.

    Sorted by newest, oldest or name.
    """
    user = acting_user(acting)
    wanted = DatasetFilter(name, builtin, since, until)
    with read_scope() as session:
        found = list_datasets(session, user, wanted, Page(limit, after, sort))
    keys = ("dataset_id", "name", "batteries", "cycles", "builtin", "created_at")
    empty = "No datasets yet. Import a file, or add the demonstration fleet: builtin demo."
    empty = NO_MATCH if wanted != DatasetFilter() else empty
    show_list("datasets", found, [_row(item) for item in found], as_json, empty, keys)


def _mapping(path: Path, given: dict[str, Any], wish: "_EolWish") -> tuple[ColumnMapping, Preview]:
    """Return the column mapping, and what was found and guessed.

    It is checked before the file is stored, so that a wrong mapping leaves nothing behind.
    """
    if not path.is_file():
        raise BadFile(f"There is no file at {path}.")
    checked = ColumnMapping.from_json(given)
    layout = checked.layout if "layout" in given else None
    seen = run_limited(path.name, preview, path, path.name, read_limits(), checked.sheet, layout)
    mapping = chosen_mapping(seen.mapping, given)
    mapping = wish.applied(mapping)
    check_mapping(mapping, seen.columns)
    require_answers(seen.questions, set(given))
    guesses = seen.guesses
    if mapping.nominal_capacity_ah != seen.mapping.nominal_capacity_ah:
        guesses = tuple(text for text in guesses if not text.startswith("The nominal capacity"))
        if "nominal_capacity_ah" not in given and mapping.nominal_capacity_ah is not None:
            found = f"The nominal capacity of {mapping.nominal_capacity_ah:g} Ah is a guess from"
            guesses = (*guesses, f"{found} the first cycles.")
    elif "nominal_capacity_ah" in given:
        guesses = tuple(text for text in guesses if not text.startswith("The nominal capacity"))
    return mapping, replace(seen, guesses=guesses, left_out=_left_out(seen, mapping))


def _left_out(seen: Preview, mapping: ColumnMapping) -> tuple[tuple[str, str], ...]:
    """Columns that are not used, with the reason; those that the user chose are."""
    used = {column for _role, column in mapping.named_columns()}
    return tuple((column, reason) for column, reason in seen.left_out if column not in used)


def _store(user: CurrentUser, path: Path, mapping: ColumnMapping, name: str) -> int:
    with path.open("rb") as stream, session_scope() as session:
        upload_id = receive_upload(session, user, path.name, stream)
        confirm_mapping(session, user, upload_id, mapping, name)
    return upload_id


def _payload(info: UploadInfo, seen: Preview) -> dict[str, Any]:
    report = info.report or {}
    return {
        "dataset_id": info.dataset_id,
        "upload_id": info.id,
        "name": info.dataset_name,
        "status": info.status,
        **{key: report.get(key) for key in REPORTED},
        "warnings": [*seen.guesses, *report.get("warnings", [])],
        "left_out": [{"column": column, "reason": why} for column, why in seen.left_out],
        "seconds": round(info.task.elapsed_s, 2) if info.task else None,
    }


def _lines(payload: dict[str, Any]) -> list[str]:
    if payload["dataset_id"] is None:
        return [f"Import {payload['upload_id']} of {payload['name']!r} is {payload['status']}."]
    labelled = ", ".join(f"{name} {share:.0%}" for name, share in payload["labelled"].items())
    split = ", ".join(f"{n} {role}" for role, n in payload["split"].items() if n)
    return [
        f"Dataset {payload['dataset_id']}: {payload['name']}",
        f"{counted(payload['batteries'], 'battery')} ({split}), "
        f"{counted(payload['cycles'], 'cycle')}; "
        f"labelled: {labelled}; {payload['seconds']} s",
        *(f"Warning: {warning}" for warning in payload["warnings"]),
    ]


def _row(summary: DatasetSummary) -> dict[str, Any]:
    return {
        "dataset_id": summary.id,
        "name": summary.name,
        "builtin": summary.is_builtin,
        "simulated": summary.is_simulated,
        "batteries": summary.n_batteries,
        "cycles": summary.n_cycles,
        "split": summary.split,
        "features": [{"name": f.name, "unit": f.unit} for f in summary.features],
        "created_at": summary.created_at,
    }
