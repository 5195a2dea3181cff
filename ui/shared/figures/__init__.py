"""Plotly figures: pure functions from pandas frames, without Streamlit and without services.

Values arrive in the units they are stored in (PCL as a fraction) and are shown in those of
`ui.shared.theme`. Every point that stands for a battery carries its code as `customdata[0]`;
`selection.selected_batteries` reads it back from a chart event. `dark` picks the theme.
Callers downsample: a figure is drawn as SVG and meant for fewer than 10,000 points.
"""

from ui.shared.figures.battery import battery_features
from ui.shared.figures.comparison import battery_errors_by_algorithm, metric_bars
from ui.shared.figures.errors import battery_error_box, cycle_error_boxes
from ui.shared.figures.features import correlation_heatmap, cycle_life_histogram, feature_boxes
from ui.shared.figures.fleet import fleet_curves
from ui.shared.figures.loss import loss_curves
from ui.shared.figures.model_lines import error_against_cycles_seen, error_against_horizon
from ui.shared.figures.predictions import prediction_curves
from ui.shared.figures.scatter import error_against_cycle, scatter_true_predicted
from ui.shared.figures.selection import selected_batteries

__all__ = [
    "battery_error_box",
    "battery_errors_by_algorithm",
    "battery_features",
    "correlation_heatmap",
    "cycle_error_boxes",
    "cycle_life_histogram",
    "error_against_cycle",
    "error_against_cycles_seen",
    "error_against_horizon",
    "feature_boxes",
    "fleet_curves",
    "loss_curves",
    "metric_bars",
    "prediction_curves",
    "scatter_true_predicted",
    "selected_batteries",
]
