"""What a study's JSON of settings says."""

from typing import Any, ClassVar, Literal

from core.base.stored_json import StoredJson

Source = Literal["dataset", "table"]


class StudySettings(StoredJson):
    """The column `study.settings`; a comparison of splits has none.

    source : whether early life comes from a dataset or from an uploaded table
    k : how many cycles of the dataset are looked at
    file_name, variance : name of the table's file, and its column of the variance feature
    left_out : code of each battery of the file that cannot take part, and why
    table : as `BatteryTable.to_json` gives it
    """

    noun: ClassVar[str] = "settings of the study"

    source: Source | None = None
    k: int | None = None
    file_name: str | None = None
    variance: str | None = None
    left_out: tuple[tuple[str, str], ...] = ()
    table: dict[str, Any] | None = None
