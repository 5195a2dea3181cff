"""What a dataset's JSON says: its features, where its labels come from, and its notes."""

from typing import Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

from core.base.stored_json import StoredJson
from core.ingest.mapping import EolRule

Origin = Literal["file", "computed", "none"]


class StoredFeature(BaseModel):
    """A feature: its name, its unit ("" where unknown) and the column it comes from."""

    model_config = ConfigDict(extra="allow", frozen=True)

    name: str
    unit: str = ""
    source_column: str = ""


class StoredLabel(BaseModel):
    """Where a label comes from, and the rule in words.

    file_batteries : of RUL: batteries whose RUL or cycle life the file gives
    life_batteries : of RUL: those of them whose cycle life stands in a column of its own
    """

    model_config = ConfigDict(extra="allow", frozen=True)

    origin: Origin
    rule: str = ""
    file_batteries: tuple[str, ...] = ()
    life_batteries: tuple[str, ...] = ()


# Version of the rules by which labels are computed now.
LABEL_RULES = 2


class FeatureSchema(StoredJson):
    """The column `dataset.feature_schema`.

    features : in the order of feature_1 to feature_8
    labels : by "PCL", "RUL" and "capacity"
    eol : the rule of the computed labels
    nominal_capacity_ah : of all batteries; None where they differ or where it is unknown
    mapping : the column mapping as `ColumnMapping.to_json` gives it
    label_rules : version of the rules that computed the labels: 1 until isolated readings and the
        tolerance at the threshold were introduced, 2 since then
    rul_eol_threshold : SOH at which the RUL of the file ends, as the owner stated; None = unknown
    labels_version : counts up whenever the labels are computed anew
    notes, label_notes : sentences about the data, and about labels that its source repaired
    source_file : name of the registered file of a built-in dataset that is still being read
    report : what reading the file found, where no upload keeps it
    """

    noun: ClassVar[str] = "description of the dataset"

    features: tuple[StoredFeature, ...] = ()
    labels: dict[str, StoredLabel] = Field(default_factory=dict)
    eol: EolRule = EolRule()
    nominal_capacity_ah: float | None = None
    mapping: dict[str, Any] | None = None
    labels_version: int = 1
    label_rules: int = 1
    rul_eol_threshold: float | None = None
    notes: tuple[str, ...] = ()
    label_notes: tuple[str, ...] = ()
    simulated: bool = False
    name: str | None = None
    source_file: str | None = None
    report: dict[str, Any] | None = None

    def origin_of(self, label: str) -> Origin | None:
        """Where a label comes from; None where that was not kept."""
        entry = self.labels.get(label)
        return entry.origin if entry else None
