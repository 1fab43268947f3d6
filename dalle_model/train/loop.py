"""The one training loop: steps, what is looked at between them, and a state to go on from."""

from collections.abc import Callable, Sequence
from time import perf_counter

from dalle_model.progress import OnStep
from dalle_model.train.checkpoint_folders import RunFolder
from dalle_model.train.checkpoints import Checkpoints
from dalle_model.train.parallel import sums
from dalle_model.train.state import RunState
from dalle_model.train.step import DivergedError, train_step
from dalle_model.train.stopping import StoppedError, is_asked, stoppable
from dalle_model.train.task import Batches
from dalle_model.training_settings import Training

# A run whose last steps, so many, were skipped has failed. Chosen: those in which a scale
# is divided once, so that one overflow near the end is no failure.
_SKIPPED_AT_MOST = 125

# Called after each step, with the state that it left.
Hook = Callable[[RunState], None]


def train(
    state: RunState, batches: Batches, settings: Training, hooks: Sequence[Hook] = ()
) -> None:
    """Take the steps that are left.

    Args:
        state: a fresh one, or one that was restored; changed in place.
        batches: taken from the state's position on.
        settings: of the training.
        hooks: called after each step, in this order.

    Raises:
        DivergedError: the loss or its gradient is not finite, or no update was taken at the end.
        StoppedError: a process was asked to stop; all have, after the same step.
    """
    batches.load_state_dict({"position": state.position})
    began = perf_counter()
    with stoppable():
        for _, batch in zip(range(state.step, settings.steps), batches, strict=False):
            before = state.position
            train_step(state, settings, batch)
            state.rows, state.seconds = state.position - before, perf_counter() - began
            asked = sums({"to stop": int(is_asked())}, state.parallel.place)["to stop"]
            state.is_stopping = asked > 0 and state.step < settings.steps
            for hook in hooks:
                hook(state)
            if state.is_stopping:
                raise StoppedError(_stopped(state.step, settings.steps))
            began = perf_counter()
    skipped = int(state.recent.get("skipped_in_a_row", 0))
    if skipped >= min(settings.steps, _SKIPPED_AT_MOST):
        raise DivergedError(
            f"the last {skipped} of {state.step} steps had no update, because scaled gradients "
            f"overflowed; lower {state.task.rate_settings}, or train in bfloat16"
        )


def run(
    state: RunState,
    batches: Batches,
    settings: Training,
    folder: RunFolder | None,
    on_step: OnStep,
    start: Callable[[], None] = lambda: None,
    hooks: Sequence[Hook] = (),
) -> None:
    """Train from where the run was last saved, if it was, to the end.

    Args:
        state: a fresh one; changed in place.
        batches: taken from the state's position on.
        settings: of the training.
        folder: of the run's checkpoints; None to save nothing.
        on_step: called after each step with what is known of it.
        start: makes of fresh weights those of the first step.
        hooks: called after each step, once it is measured, before it is saved and told.

    Raises:
        CheckpointError: no checkpoint of the run can be used, or it has taken more steps than are
            asked for.
        DivergedError: the loss or its gradient is not finite.
        OSError: a checkpoint cannot be written, as on a full disk.
    """
    called = [measuring(settings), *hooks]
    told = [telling(settings, on_step)] if state.parallel.place.rank == 0 else []
    if folder is None:
        start()
        train(state, batches, settings, [*called, *told])
        return
    with Checkpoints(folder, settings.keep) as checkpoints:
        if not checkpoints.load(state):
            start()
        train(state, batches, settings, [*called, saving(checkpoints, settings), *told])


def measuring(settings: Training) -> Hook:
    """Measures what is held out every `measure_every` steps, and at the end."""

    def measure(state: RunState) -> None:
        if is_measured(state.step, settings):
            was_training = state.trained.training
            figures = state.task.measure(state.trained.eval())
            state.trained.train(was_training)
            state.recent |= figures
            if is_due(state.step, settings):  # but not at the end of a run that may go on
                state.task.measured(figures)

    return measure


def is_measured(step: int, settings: Training) -> bool:
    """Whether what is held out is measured when so many steps are taken."""
    return is_due(step, settings) or step == settings.steps


def is_due(step: int, settings: Training) -> bool:
    """Whether a measurement that rates may depend on is made when so many steps are taken."""
    return settings.measure_every is not None and step % settings.measure_every == 0


def saving(checkpoints: Checkpoints, settings: Training) -> Hook:
    """Saves the state every `checkpoint_every` steps, where the run stops, and at a kept end."""

    def save(state: RunState) -> None:
        is_last = settings.keep_finished and state.step == settings.steps
        if is_last or state.is_stopping or state.step % settings.checkpoint_every == 0:
            is_new = is_measured(state.step, settings)
            checkpoints.save(state, state.recent.get("held_out_loss") if is_new else None)
        if state.is_stopping:
            checkpoints.wait()

    return save


def telling(settings: Training, on_step: OnStep) -> Hook:
    """Tells of each step, and how fast it was."""
    return lambda state: on_step(state.step, settings.steps, state.recent | state.speed)


def _stopped(step: int, steps: int) -> str:
    return (
        f"stopped after step {step:,} of {steps:,}; its state is saved, and the same command goes "
        "on from there"
    )
