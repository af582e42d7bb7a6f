"""What a checkpoint holds beside weights and counters, so that a run can go on from it: log, optimizer, gradients, schedules."""

from mmengine.runner import Runner
from torch import nn

from ultraref.checkpoint import to_plain
from ultraref.engine.resume_check import require_averages, require_schedules
from ultraref.engine.schedules import replayed


def gather_state(runner: Runner, model: nn.Module, optimizer: bool = True, schedules: bool = True) -> dict:
    """Returns the log and what else resuming needs, as parts of a checkpoint.

    Args:
        runner: a runner that trains.
        model: its model, unwrapped.
        optimizer: whether to add the optimizer's state, and gradients that were accumulated.
        schedules: whether to add the state of the schedulers.
    """
    state = {"message_hub": _plain_message_hub(runner)}
    if optimizer:
        state["optimizer"] = runner.optim_wrapper.state_dict()
        # Accumulated, where the next step takes more batches than the epoch has left.
        stepped = {id(p) for group in runner.optim_wrapper.param_groups for p in group["params"]}
        parameters = [(name, p) for name, p in model.named_parameters() if id(p) in stepped]
        state["gradients"] = {name: p.grad for name, p in parameters if p.grad is not None}
    if schedules and runner.param_schedulers is not None:
        state["param_schedulers"] = [scheduler.state_dict() for scheduler in runner.param_schedulers]
    return state


def restore_state(runner: Runner, model: nn.Module, checkpoint: dict, has_grown: bool) -> None:
    """Gives a runner back what `gather_state` took from it.

    Args:
        runner: the runner, with the checkpoint's counters.
        model: its model, unwrapped.
        checkpoint: the checkpoint.
        has_grown: whether the run has more epochs than it had.

    Raises:
        ValueError, and what `load_state_dict` raises: the state is of another run (`resume_check.restoring`).
    """
    runner.message_hub.load_state_dict(checkpoint["message_hub"])
    schedulers = runner.param_schedulers or []
    stored = checkpoint.get("param_schedulers", [])
    require_schedules(stored, schedulers)
    if has_grown:
        with replayed(schedulers, runner.optim_wrapper, runner.epoch, runner.iter, len(runner.train_dataloader)):
            runner.optim_wrapper.load_state_dict(checkpoint["optimizer"])
        runner.logger.info(
            f"The run has more epochs than before, {runner.max_epochs}; its schedules were rebuilt for them."
        )
    else:
        runner.optim_wrapper.load_state_dict(checkpoint["optimizer"])
        for scheduler, state in zip(schedulers, stored):
            scheduler.load_state_dict(state)
    require_averages(runner.optim_wrapper)
    parameters = dict(model.named_parameters())
    for name, gradient in checkpoint.get("gradients", {}).items():
        parameters[name].grad = gradient.to(parameters[name].device)


def _plain_message_hub(runner: Runner) -> dict:
    """The log and the runtime information; what isn't plain data is left out with a warning."""
    state = runner.message_hub.state_dict()
    info = {}
    for key, value in state["runtime_info"].items():
        try:
            info[key] = to_plain(value, f"message_hub[{key!r}]")
        except TypeError as error:
            runner.logger.warning(f"Not saved: {error}")
    return {
        "log_scalars": to_plain(state["log_scalars"]),
        "runtime_info": info,
        "resumed_keys": {k: v for k, v in state["resumed_keys"].items() if k in info or k in state["log_scalars"]},
    }
