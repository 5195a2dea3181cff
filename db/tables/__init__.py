"""Every table of FadeBench; importing this module fills `Base.metadata`."""

from db.tables.base import Base
from db.tables.data import BatteryUnit, CycleData, CycleFeature, Dataset, DataUpload
from db.tables.studies import Study
from db.tables.tasks import BackgroundTask
from db.tables.testing import (
    TestExport,
    TestJob,
    TestJobBattery,
    TestJobBatteryMetric,
    TestJobHorizonMetric,
    TestJobLog,
    TestJobMetricOverall,
    TestJobPrediction,
)
from db.tables.training import (
    ModelVersion,
    TrainingJob,
    TrainingJobBattery,
    TrainingJobRun,
    TrainingJobRunLog,
    TrainingJobRunMetric,
)
from db.tables.users import AuthSession, LoginThrottle, User

__all__ = [
    "AuthSession",
    "BackgroundTask",
    "Base",
    "BatteryUnit",
    "CycleData",
    "CycleFeature",
    "DataUpload",
    "Dataset",
    "LoginThrottle",
    "ModelVersion",
    "Study",
    "TestExport",
    "TestJob",
    "TestJobBattery",
    "TestJobBatteryMetric",
    "TestJobHorizonMetric",
    "TestJobLog",
    "TestJobMetricOverall",
    "TestJobPrediction",
    "TrainingJob",
    "TrainingJobBattery",
    "TrainingJobRun",
    "TrainingJobRunLog",
    "TrainingJobRunMetric",
    "User",
]
