"""What the labels of a dataset mean: where its life ends, and what a nominal capacity is there.

Two datasets speak of the same RUL only if their end of life agrees; a model keeps the meaning of
the labels that it was trained on.
"""

from typing import Literal

from pydantic import BaseModel, ConfigDict

from core.ingest.feature_schema import FeatureSchema
from core.ingest.mapping import EolRule

RulSource = Literal["computed", "file", "none", "unknown"]


class LabelMeaning(BaseModel):
    """End of life and nominal capacity behind labels; the default is that nothing is known.

    rul : whether RUL was computed or came with the file ("file" where only some batteries have it
        from there), or that the data has none
    eol : the rule of computed RUL
    file_threshold : SOH at which the RUL of the file ends, as its owner stated
    has_nominal : whether the nominal capacity behind PCL is known
    nominal_capacity_ah : of all batteries; None where they differ or where it is unknown
    """

    model_config = ConfigDict(extra="allow", frozen=True)

    rul: RulSource = "unknown"
    eol: EolRule | None = None
    file_threshold: float | None = None
    has_nominal: bool = False
    nominal_capacity_ah: float | None = None

    @property
    def rule(self) -> EolRule | None:
        """The rule by which RUL of this meaning can be computed; None where it is not known.

        A threshold stated for a file is read as the first crossing of it.
        """
        if self.rul == "computed":
            return self.eol
        if self.rul == "file" and self.file_threshold is not None:
            return EolRule(threshold=self.file_threshold)
        return None

    def describe(self) -> str:
        """The end of life in words, for sentences."""
        if self.rul == "computed" and self.eol is not None:
            return _rule_words(self.eol)
        if self.rul == "file" and self.file_threshold is not None:
            return f"RUL of the file, which ends at {self.file_threshold:.0%} SOH"
        if self.rul == "file":
            return "RUL of the file, whose end of life nobody stated"
        return "no RUL" if self.rul == "none" else "an unknown end of life"


UNKNOWN_MEANING = LabelMeaning()


def meaning_of(schema: FeatureSchema) -> LabelMeaning:
    """The meaning of the labels that a dataset has now."""
    origin = schema.origin_of("RUL")
    source: RulSource = "unknown" if origin is None else origin
    nominal = schema.nominal_capacity_ah
    return LabelMeaning(
        rul=source,
        eol=schema.eol if source == "computed" else None,
        file_threshold=schema.rul_eol_threshold if source == "file" else None,
        has_nominal=nominal is not None or schema.origin_of("PCL") == "computed",
        nominal_capacity_ah=nominal,
    )


def same_rul(first: LabelMeaning, second: LabelMeaning) -> bool:
    """Whether RUL of both meanings ends at the same point, as far as both are known.

    Computed labels agree where their rules are equal; labels of a file only where the threshold
    that was stated for it is that of the other ones, at the first crossing.
    """
    return first.rule is not None and first.rule == second.rule


def _rule_words(eol: EolRule) -> str:
    words = eol.describe()
    return f"{words}, isolated readings counted in" if eol.count_isolated else words
