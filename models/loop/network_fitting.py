"""The training loop of all networks."""

import math
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from models.fast.optimiser import AdamW
from models.inputs.predictor import EpochReport, Fitted
from models.inputs.samples import Batch, Questions, Rows, ask_ahead, ask_current, gather, make_rows
from models.inputs.scaling import Scaler, fit_scaler
from models.inputs.series import BatterySeries, Task
from models.loop.build import load_build
from models.loop.network import Network
from models.loop.network_predictor import NetworkPredictor
from models.loop.validation import geometric_mean, prepare_validation, validate
from models.settings.catalogue import ALGORITHMS
from models.settings.errors import FitError
from models.settings.hyperparameters import NetworkSettings

# A mean squared error of standardised targets this large is no longer learning.
EXPLODED_LOSS = 1e4
WARM_UP_STEPS = 100
# The validation loss is the geometric mean over this many epochs: that of one epoch and a few
# batteries can be low by luck.
VAL_EPOCHS = 3
STEP_HALVINGS = 5
# What the learning rate is multiplied by, given the share of the steps that is done.
SCHEDULES: dict[str, Callable[[float], float]] = {
    "COSINE": lambda progress: 0.01 + 0.99 * 0.5 * (1.0 + math.cos(math.pi * progress)),
    "STEP": lambda progress: 0.5 ** min(STEP_HALVINGS, int(progress * (STEP_HALVINGS + 1))),
    "CONSTANT": lambda progress: 1.0,
}


@dataclass(frozen=True)
class _Setting:
    """What stays the same in every epoch."""

    task: Task
    hp: NetworkSettings
    scaler: Scaler
    rows: Rows
    generator: torch.Generator


@dataclass(frozen=True)
class _Examples:
    """Labelled rows: inputs, answers (M, T) and what is known of these (None: all).

    inputs: of all rows; or the questions only, where the windows of all rows would not fit.
    """

    inputs: Batch | Questions
    target: Tensor
    known: Tensor | None

    def take(self, index: Tensor) -> "_Examples":
        """Return the examples at `index`."""
        known = None if self.known is None else self.known.index_select(0, index)
        return _Examples(self.inputs.take(index), self.target.index_select(0, index), known)


def fit_network(
    algorithm: str,
    train: Sequence[BatterySeries],
    val: Sequence[BatterySeries],
    task: Task,
    hp: NetworkSettings,
    *,
    threads: int,
    on_epoch: Callable[[EpochReport], None],
    on_stage: Callable[[str], None],
) -> Fitted:
    """Train the algorithm's network on `train`, stop by `val`, keep the best epoch.

    Raises
    ------
    FitError: the device is missing, or the loss is no longer finite or far too large.
    """
    torch.set_num_threads(threads)
    device = choose_device(hp.device)
    scaler = fit_scaler(train, task, log_rul=ALGORITHMS[algorithm].log_rul)
    rows = make_rows(train, task, scaler, device)
    val_rows = make_rows(val, task, scaler, device)
    cuda = [torch.cuda.current_device()] if device.type == "cuda" else []
    with torch.random.fork_rng(devices=cuda):
        torch.manual_seed(hp.seed)
        generator = torch.Generator().manual_seed(hp.seed)
        network = load_build(algorithm)(hp, task, scaler).to(device)
        setting = _Setting(task, hp, scaler, rows, generator)
        on_stage("Training")
        best_state, best_epoch, epochs_run = _train(network, setting, val_rows, on_epoch)
    network.load_state_dict(best_state)
    network.eval()
    predictor = NetworkPredictor(network, scaler, task)
    return Fitted(predictor, best_epoch, epochs_run, epochs_run < hp.epochs)


def choose_device(name: str) -> torch.device:
    """Return the device; `auto` prefers a GPU. Raises FitError if a chosen GPU is missing."""
    if name == "cuda" and not torch.cuda.is_available():
        raise FitError("No CUDA device was found on this machine. Set device to auto or cpu.")
    use_cuda = name != "cpu" and torch.cuda.is_available()
    return torch.device("cuda" if use_cuda else "cpu")


def _train(
    network: Network,
    setting: _Setting,
    val_rows: Rows,
    on_epoch: Callable[[EpochReport], None],
) -> tuple[dict[str, Tensor], int, int]:
    """Run the epochs; return the best weights, their epoch, and the number of epochs run."""
    hp, task, scaler = setting.hp, setting.task, setting.scaler
    groups = network.parameter_groups(hp.weight_decay)
    optimiser = AdamW(groups)
    examples = _collect(network, setting)
    rates = _learning_rates(hp, len(examples.target))
    val_asked = _ask(val_rows, task, torch.Generator().manual_seed(hp.seed))
    val = prepare_validation(val_rows, val_asked, scaler, task, network.window_length)
    best_loss, best_epoch, best_state = math.inf, 0, _copy_state(network)
    recent: deque[float] = deque(maxlen=VAL_EPOCHS)
    for epoch in range(1, hp.epochs + 1):
        if task.is_forecast and epoch > 1:
            examples = _collect(network, setting)
        losses = _train_epoch(network, optimiser, rates, setting, examples)
        found, metrics = validate(network, val)
        _require_sound(losses, found, epoch)
        recent.append(found)
        val_loss = geometric_mean(recent)
        train_loss = losses.pop("loss_data")
        rate = optimiser.learning_rate
        report = EpochReport(epoch, hp.epochs, train_loss, val_loss, rate, metrics | losses)
        on_epoch(report)
        if val_loss < best_loss:
            best_loss, best_epoch = val_loss, epoch
            best_state = _copy_state(network)
        elif hp.patience and epoch - best_epoch >= hp.patience:
            return best_state, best_epoch, epoch
    return best_state, best_epoch, hp.epochs


def _train_epoch(
    network: Network,
    optimiser: AdamW,
    rates: Iterator[float],
    setting: _Setting,
    examples: _Examples,
) -> dict[str, float]:
    """Train on all examples once, in random order; return each loss averaged over the steps."""
    network.train()
    hp, n_examples = setting.hp, len(examples.target)
    order = torch.randperm(n_examples, generator=setting.generator)
    examples = examples.take(order.to(examples.target.device))
    sums: dict[str, Tensor] = {}
    for batch, target, known in _batches(network, setting, examples):
        optimiser.zero_grad()
        losses = network.add_gradients(batch, target, known)
        if hp.gradient_clip:
            nn.utils.clip_grad_norm_(optimiser.parameters, hp.gradient_clip)
        optimiser.step(next(rates))
        for name, value in {"loss_data": losses.data, **losses.parts}.items():
            sums[name] = sums.get(name, 0.0) + value.detach()
    n_steps = math.ceil(n_examples / hp.batch_size)
    return {name: float(value) / n_steps for name, value in sums.items()}


def _copy_state(network: Network) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in network.state_dict().items()}


def _batches(
    network: Network, setting: _Setting, examples: _Examples
) -> Iterator[tuple[Batch, Tensor, Tensor | None]]:
    """Yield inputs, targets and known (None: all known) of each batch, in the given order."""
    size, known = setting.hp.batch_size, examples.known
    for start in range(0, len(examples.target), size):
        stretch = slice(start, start + size)
        inputs = examples.inputs.part(stretch)
        batch = inputs if isinstance(inputs, Batch) else _gather(network, setting, inputs)
        yield batch, examples.target[stretch], None if known is None else known[stretch]


def _collect(network: Network, setting: _Setting) -> _Examples:
    """Return the examples of an epoch, in the order of the rows."""
    rows = setting.rows
    asked = _ask(rows, setting.task, setting.generator)
    inputs = _gather(network, setting, asked) if network.window_length is None else asked
    known = None if rows.known.all() else rows.known.index_select(0, asked.answer)
    return _Examples(inputs, rows.target.index_select(0, asked.answer), known)


def _gather(network: Network, setting: _Setting, asked: Questions) -> Batch:
    return gather(setting.rows, asked, setting.scaler, setting.task, network.window_length)


def _ask(rows: Rows, task: Task, generator: torch.Generator) -> Questions:
    """Return the questions of this epoch about all rows with a label."""
    asked = ask_ahead(rows, task.max_horizon, generator) if task.is_forecast else ask_current(rows)
    return asked.take((rows.known[asked.answer].sum(dim=1) > 0).nonzero()[:, 0])


def _learning_rates(hp: NetworkSettings, n_examples: int) -> Iterator[float]:
    """Yield the learning rate of every step.

    CONSTANT stays the same. COSINE falls to a hundredth along a cosine, STEP halves `STEP_HALVINGS`
    times at equal distances; both rise first, during the warm-up.
    """
    steps = hp.epochs * math.ceil(n_examples / hp.batch_size)
    warm_up = 0 if hp.schedule == "CONSTANT" else min(WARM_UP_STEPS, steps // 10)
    for step in range(steps):
        if step < warm_up:
            factor = (step + 1) / (warm_up + 1)
        else:
            factor = SCHEDULES[hp.schedule]((step - warm_up) / max(1, steps - warm_up))
        yield hp.learning_rate * factor


def _require_sound(losses: dict[str, float], val_loss: float, epoch: int) -> None:
    """Raise FitError if the loss is not finite, or too large for training to recover."""
    finite = all(math.isfinite(value) for value in [*losses.values(), val_loss])
    if finite and max(losses["loss_data"], val_loss) < EXPLODED_LOSS:
        return
    raise FitError(
        f"The loss exploded in epoch {epoch}. Lower the learning rate or the gradient clip, or "
        "check the features for extreme values."
    )
