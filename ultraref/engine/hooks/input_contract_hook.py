"""Writes into each checkpoint what its refiner takes for granted about its inputs."""

from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner

from ultraref.registry import HOOKS


@HOOKS.register_module()
class InputContractHook(Hook):
    """Stores `model.input_contract()` as `meta["input_contract"]`, which loading a refiner compares with its config."""

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Adds the contract where the model has one."""
        model = runner.model.module if is_model_wrapper(runner.model) else runner.model
        if hasattr(model, "input_contract"):
            checkpoint["meta"]["input_contract"] = model.input_contract()
