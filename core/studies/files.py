"""The result of a study of early cycles as CSV and XLSX, made when it is downloaded."""

import io
from typing import Any

import pandas as pd

from core.base.spreadsheets import harmless
from core.studies.early_life import EarlyLifeResult
from core.studies.studies import StudyInfo

GROUP_COLUMN = "group"


def prediction_csv(result: EarlyLifeResult) -> bytes:
    """One row per battery: group, true cycle life, and that of every model, in cycles."""
    return _harmless(prediction_frame(result)).to_csv(index=False, lineterminator="\n").encode()


def study_xlsx(info: StudyInfo, result: EarlyLifeResult) -> bytes:
    """A workbook: information, scores, predictions, feature weights."""
    sheets = {
        "Information": pd.DataFrame(_information(info, result), columns=["Item", "Value"]),
        "Scores": score_frame(result),
        "Batteries": prediction_frame(result),
        "Feature weights": weight_frame(result),
    }
    stream = io.BytesIO()
    options = {"strings_to_formulas": False, "strings_to_urls": False}
    with pd.ExcelWriter(stream, engine="xlsxwriter", engine_kwargs={"options": options}) as writer:
        for name, frame in sheets.items():
            _harmless(frame).to_excel(writer, sheet_name=name, index=False, freeze_panes=(1, 0))
            writer.sheets[name].set_column(0, max(len(frame.columns) - 1, 0), 22)
    return stream.getvalue()


def prediction_frame(result: EarlyLifeResult) -> pd.DataFrame:
    """battery, group, cycle_life and predicted_<model>, in cycles."""
    frame = result.batteries.assign(group=result.batteries["group"].map(result.group_labels))
    return frame.rename(columns={key: f"predicted_{key.lower()}" for key in result.labels})


def score_frame(result: EarlyLifeResult) -> pd.DataFrame:
    """One row per model and group, with the units in the names."""
    scores = result.scores.assign(group=result.scores["group"].map(result.group_labels))
    scores["cv_rmse"] = scores["model"].map(result.cv_rmse)
    return scores.rename(
        columns={
            name: f"{name}_cycles"
            for name in ("rmse", "rmse_low", "rmse_high", "rmse_without", "cv_rmse")
        }
        | {name: f"{name}_percent" for name in ("mape", "mape_low", "mape_high", "mape_without")}
        | {"within_15": "within_15_percent_of_life_percent_of_batteries"}
    )


def weight_frame(result: EarlyLifeResult) -> pd.DataFrame:
    """model, feature, effect_percent."""
    return result.weights.assign(model=result.weights["model"].map(result.labels))


def _information(info: StudyInfo, result: EarlyLifeResult) -> list[tuple[str, Any]]:
    rows: list[tuple[str, Any]] = [
        ("Study", info.name),
        ("Source", info.source),
        ("Cycles looked at", f"1 to {result.k}" if result.k else "as in the table"),
        ("Finished at (UTC)", f"{info.finished_at:%Y-%m-%d %H:%M:%S}" if info.finished_at else ""),
        ("Chosen by cross-validation on training batteries", result.labels[result.chosen]),
        ("Intervals", "95 %, from resampling the batteries (bootstrap)"),
        ("Weights", "change of predicted life (%) for one standard deviation more of a feature"),
    ]
    rows += [(f"Batteries: {result.group_labels[g]}", n) for g, n in result.counts.items()]
    rows += [("Note", note) for note in result.notes]
    return rows + [(f"Left out: {code}", reason) for code, reason in result.left_out]


def _harmless(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.map(harmless).rename(columns=harmless)
