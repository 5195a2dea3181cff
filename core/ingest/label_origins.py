"""Where each label of a dataset comes from: from the file, or computed."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from core.ingest.battery_rows import stretches
from core.ingest.feature_schema import Origin, StoredLabel
from core.ingest.file_rul import life_from_rul
from core.ingest.mapping import EolRule


@dataclass(frozen=True)
class LabelOrigins:
    """Where each label comes from: "file", "computed" or "none".

    file_rul_batteries : batteries whose cycle life the file tells; for the others it is computed
    life_batteries : those of them whose life comes from a column of cycle lives, not from RUL
    """

    pcl: Origin
    rul: Origin
    capacity: Origin
    file_rul_batteries: frozenset[str] = frozenset()
    life_batteries: frozenset[str] = frozenset()

    def describe(self, eol: EolRule) -> dict[str, StoredLabel]:
        """The labels of a feature schema."""
        pcl_rule = {"file": "as in the file", "computed": "1 - capacity / nominal capacity"}
        capacity_rule = {"file": "as in the file", "computed": "(1 - PCL) x nominal capacity"}
        rul_rule = {
            "file": "as in the file; cycle life = most frequent cycle + RUL",
            "computed": f"cycle life - cycle, cycle life = {eol.describe()}",
        }
        if self.life_batteries and self.life_batteries == self.file_rul_batteries:
            rul_rule["file"] = "cycle life - cycle, cycle life as in the file"
        return {
            "PCL": StoredLabel(origin=self.pcl, rule=pcl_rule.get(self.pcl, "")),
            "RUL": StoredLabel(
                origin=self.rul,
                rule=rul_rule.get(self.rul, ""),
                file_batteries=tuple(sorted(self.file_rul_batteries)),
                life_batteries=tuple(sorted(self.life_batteries)),
            ),
            "capacity": StoredLabel(
                origin=self.capacity, rule=capacity_rule.get(self.capacity, "")
            ),
        }

    @classmethod
    def of_labels(cls, labels: Mapping[str, StoredLabel]) -> "LabelOrigins":
        """Read the labels of a feature schema."""
        return cls(
            pcl=labels["PCL"].origin,
            rul=labels["RUL"].origin,
            capacity=labels["capacity"].origin,
            file_rul_batteries=frozenset(labels["RUL"].file_batteries),
            life_batteries=frozenset(labels["RUL"].life_batteries),
        )

    def confirmed(self, cycles: pd.DataFrame) -> "LabelOrigins":
        """The same, where batteries whose RUL tells no life are left to capacity.

        cycles : battery_code, cycle_num and rul (cycles), sorted by battery and cycle
        """
        if not self.file_rul_batteries:
            return self
        cycle_num = cycles["cycle_num"].to_numpy(dtype=np.int64)
        rul = cycles["rul"].to_numpy(dtype=np.float64, na_value=np.nan)
        kept = frozenset(
            code
            for code, rows in stretches(cycles["battery_code"])
            if code in self.file_rul_batteries
            and life_from_rul(cycle_num[rows], rul[rows]) is not None
        )
        otherwise: Origin = "none" if self.pcl == "none" else "computed"
        return replace(
            self,
            rul="file" if kept else otherwise,
            file_rul_batteries=kept,
            life_batteries=self.life_batteries & kept,
        )
