"""Says at the start of a training what is about to be trained, on what, and whether its checkpoints have room."""

import logging

from mmengine.dist import is_main_process
from mmengine.hooks import Hook

from ultraref.engine.run_description import describe_run
from ultraref.registry import HOOKS


@HOOKS.register_module()
class DescriptionHook(Hook):
    """Logs config, data, weights and the room for checkpoints, a line each; what speaks against the training as a warning.

    `UltraRunner` adds it to every run; `default_hooks.description=None` leaves it out. `ultraref preflight` says the same and more
    without a training.
    """

    # After the hooks that decide what is trained.
    priority = "LOW"

    def before_train(self, runner) -> None:
        if not is_main_process():
            return
        for line in describe_run(runner):
            runner.logger.log(logging.INFO if line.ok else logging.WARNING, f"{line.name}: {line.text}")
