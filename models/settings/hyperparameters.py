"""The settings of a training run: one class for each family of algorithms, without torch."""

from dataclasses import asdict, dataclass
from typing import Any, Literal

from models.settings.specs import setting

Schedule = Literal["COSINE", "STEP", "CONSTANT"]
Device = Literal["auto", "cpu", "cuda"]
LossMode = Literal["SUM", "ADPBAL"]
PhysicsInput = Literal["s", "t", "u", "u_s"]


@dataclass(frozen=True)
class Hyperparameters:
    """The settings of every algorithm: estimate or forecast, and the seed of random numbers."""

    max_horizon: int = setting(
        0,
        "Farthest cycle ahead",
        "0 estimates the measured cycle; above 0 the model forecasts up to so many cycles ahead.",
        minimum=0,
        maximum=1_000,
        unit="cycles",
    )
    use_capacity_history: bool = setting(
        False,
        "Use measured capacity",
        "Forecasts only: the capacity measured so far is an input, too.",
    )
    seed: int = setting(
        0,
        "Seed",
        "The same seed, data and settings give the same model.",
        minimum=0,
        maximum=2**31 - 1,
    )

    def to_json(self) -> dict[str, Any]:
        """Return the settings as values that JSON can hold."""
        return {k: list(v) if isinstance(v, tuple) else v for k, v in asdict(self).items()}


@dataclass(frozen=True)
class NetworkSettings(Hyperparameters):
    """The settings of every neural network."""

    epochs: int = setting(
        40,
        "Epochs",
        "Largest number of passes over the training cycles.",
        minimum=1,
        maximum=10_000,
    )
    learning_rate: float = setting(
        5e-3,
        "Learning rate",
        "Step size of the optimiser at the start. Lower it if the loss explodes.",
        minimum=1e-6,
        maximum=1.0,
    )
    schedule: Schedule = setting(
        "COSINE",
        "Learning rate schedule",
        "How the learning rate changes: it falls smoothly to a hundredth, halves five times, or "
        "stays.",
        choice_labels={
            "COSINE": "Falls smoothly (cosine)",
            "STEP": "Halves in steps",
            "CONSTANT": "Stays constant",
        },
    )
    batch_size: int = setting(
        512,
        "Batch size",
        "Training cycles per step of the optimiser.",
        minimum=1,
        maximum=65_536,
        unit="cycles",
    )
    hidden_size: int = setting(
        64, "Hidden size", "Units in each hidden layer.", minimum=2, maximum=2_048
    )
    num_layers: int = setting(2, "Layers", "Hidden layers.", minimum=1, maximum=8)
    dropout: float = setting(
        0.0,
        "Dropout",
        "Share of hidden units switched off at random while training.",
        minimum=0.0,
        maximum=0.9,
    )
    weight_decay: float = setting(
        1e-4,
        "Weight decay",
        "Pulls weights towards zero; raise it if validation loss rises early.",
        minimum=0.0,
        maximum=1.0,
    )
    gradient_clip: float = setting(
        1.0,
        "Gradient clip",
        "Largest gradient norm of a step; 0 switches clipping off.",
        minimum=0.0,
        maximum=1_000.0,
    )
    patience: int = setting(
        15,
        "Early stopping",
        "Stop after so many epochs without a lower validation loss; 0 never stops early.",
        minimum=0,
        maximum=10_000,
        unit="epochs",
    )
    device: Device = setting(
        "auto",
        "Computing device",
        "Where networks are trained.",
        choice_labels={
            "auto": "GPU where there is one",
            "cpu": "Processor (CPU)",
            "cuda": "NVIDIA GPU (CUDA)",
        },
    )


@dataclass(frozen=True)
class BilstmSettings(NetworkSettings):
    """The settings of the BiLSTM."""

    window_length: int = setting(
        20,
        "Window length",
        "How many of the last recorded cycles the network sees.",
        minimum=2,
        maximum=500,
        unit="cycles",
    )


@dataclass(frozen=True)
class PhysicsSettings(NetworkSettings):
    """The settings of networks that are held to a law of fade."""

    loss_mode: LossMode = setting(
        "SUM",
        "Balance of data and physics",
        "Whether the weights of data loss and physics losses are fixed or learned.",
        choice_labels={"SUM": "Fixed weights (sum)", "ADPBAL": "Learned weights (AdpBal)"},
    )
    physics_weight: float = setting(
        1.0,
        "Physics weight",
        "Weight of the physics losses against the data loss; 0 trains on the data alone.",
        minimum=0.0,
        maximum=1_000.0,
    )


@dataclass(frozen=True)
class DeepHpmSettings(PhysicsSettings):
    """The settings of DeepHPM."""

    physics_inputs: tuple[PhysicsInput, ...] = setting(
        ("s", "t", "u"),
        "Inputs of the law of fade",
        "What the rate of fade may depend on: battery state s, cycle t, predicted value u, slope "
        "of u over s.",
        choice_labels={
            "s": "Battery state s",
            "t": "Cycle t",
            "u": "Predicted value u",
            "u_s": "Slope of u over s",
        },
    )


@dataclass(frozen=True)
class LinearSettings(Hyperparameters):
    """The settings of the linear model, which is also a part of Trees."""

    ridge_alpha: float = setting(
        0.02,
        "Ridge penalty",
        "Pulls the weights of the linear model towards 0; raise it with few batteries.",
        minimum=0.0,
        maximum=1e9,
    )


@dataclass(frozen=True)
class TreesSettings(LinearSettings):
    """The settings of gradient-boosted trees."""

    boosting_rounds: int = setting(
        400,
        "Boosting rounds",
        "Largest number of trees for each target.",
        minimum=1,
        maximum=10_000,
    )
    tree_learning_rate: float = setting(
        0.08,
        "Learning rate of the trees",
        "How much each tree corrects the ones before it; a smaller value needs more rounds.",
        minimum=1e-4,
        maximum=1.0,
    )
    max_leaf_nodes: int = setting(
        16, "Leaves of a tree", "Largest number of leaves.", minimum=2, maximum=1_024
    )
    min_samples_leaf: int = setting(
        50,
        "Smallest leaf",
        "Leaves with fewer training cycles are not made.",
        minimum=1,
        maximum=100_000,
        unit="cycles",
    )
    tree_l2: float = setting(
        1.0,
        "Shrinkage of leaves",
        "Pulls the values of leaves towards 0; raise it against overfitting.",
        minimum=0.0,
        maximum=1e6,
    )
    tree_patience: int = setting(
        40,
        "Early stopping of the trees",
        "Stop after so many rounds without a lower validation loss; 0 never stops early.",
        minimum=0,
        maximum=10_000,
        unit="rounds",
    )
