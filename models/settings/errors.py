"""Errors of the model layer; each message says what to do next.

ModelError
├── HyperparameterError   a setting is unknown, of the wrong type or out of range
├── SeriesError           battery data of the wrong shape or order
├── FitError              training cannot start or has failed
├── HorizonError          a horizon that the model was not trained for
└── CheckpointError       a file that is not a model of this application
"""


class ModelError(Exception):
    """The base class of these errors; `str(error)` is a message for the user."""


class HyperparameterError(ModelError):
    """A hyperparameter is unknown, of the wrong type or out of range."""


class SeriesError(ModelError):
    """Battery data of the wrong shape, order or feature count."""


class FitError(ModelError):
    """Training cannot start with these data and settings, or has failed."""


class HorizonError(ModelError):
    """The model was not trained for the horizon asked for."""


class CheckpointError(ModelError):
    """The file is not a readable model of this application."""
