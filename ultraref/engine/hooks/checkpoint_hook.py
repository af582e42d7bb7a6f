"""Saves the last and the best state of a run under names that don't change."""

import bisect
import math
from pathlib import Path

from mmengine.dist import is_main_process
from mmengine.hooks import Hook

from ultraref.atomic import atomic_file
from ultraref.engine.work_dir import BEST_CHECKPOINT, LAST_CHECKPOINT
from ultraref.errors import UserError
from ultraref.registry import HOOKS

_SCORE, _EPOCH = "best_score", "best_epoch"


@HOOKS.register_module()
class UltraCheckpointHook(Hook):
    """Writes `last.pth` (to resume from) and `best.pth` (weights, for the next phase) into the work dir.

    The last one before `last.pth` stays as `previous.pth`, from which a run goes on should the other be damaged.

    `last.pth` is written when all of an epoch is done, its validation included, so that a resumed run has the log and
    the best score of the unbroken one. Both files are replaced in one step: a killed run leaves the previous state.
    `best.pth` has in its meta: `epoch`, `metric`, `score`, `cfg` and, by the provenance hook, `trained_on`.

    Args:
        interval: epochs between two writes of `last.pth`; the last epoch is always written.
        save_best: name of the validation metric that decides which epoch is best, e.g. "val_refined/dice". None: no
            `best.pth`.
        rule: "greater" or "less": which score is better. Of equal scores the earlier epoch is kept.

    Raises:
        ValueError: `rule` is another word, or `interval` is below 1.
        UserError: validation gave no metric of the name `save_best`.
    """

    # After every other hook, the EMA hook and the logger among them.
    priority = "VERY_LOW"

    def __init__(self, interval: int = 1, save_best: str | None = None, rule: str = "greater"):
        if rule not in ("greater", "less"):
            raise UserError(f"UltraCheckpointHook: rule is {rule!r}; it may be 'greater' or 'less'")
        if interval < 1:
            raise UserError(f"UltraCheckpointHook: interval is {interval}; it must be at least 1")
        self.interval = interval
        self.save_best = save_best
        self.sign = 1.0 if rule == "greater" else -1.0

    def before_train(self, runner) -> None:
        # A run resumed in another work dir must write a best.pth there, whatever was reached before.
        if not Path(runner.work_dir, BEST_CHECKPOINT).is_file():
            runner.message_hub.pop_info(_SCORE)
            runner.message_hub.pop_info(_EPOCH)

    def after_train_epoch(self, runner) -> None:
        if not _validation_follows(runner):
            self._save_last(runner, epoch=runner.epoch + 1)

    def after_val_epoch(self, runner, metrics: dict | None = None) -> None:
        # The train loop has counted the epoch by now. Outside training (`runner.val()`) there is nothing to save.
        if runner.epoch == 0:
            return
        if self.save_best is not None:
            self._save_best(runner, metrics or {})
        self._save_last(runner, epoch=runner.epoch)

    def _save_last(self, runner, epoch: int) -> None:
        if epoch % self.interval == 0 or epoch == runner.max_epochs or runner.train_loop.stop_training:
            runner.save_checkpoint(runner.work_dir, LAST_CHECKPOINT, meta={"epoch": epoch, "iter": runner.iter})
            if is_main_process():
                # The name of the file that MMEngine's own tools look for.
                with atomic_file(Path(runner.work_dir, "last_checkpoint"), "w") as file:
                    file.write(str(Path(runner.work_dir, LAST_CHECKPOINT)))

    def _save_best(self, runner, metrics: dict) -> None:
        if self.save_best not in metrics:
            raise UserError(
                f"UltraCheckpointHook: save_best is {self.save_best!r}, but validation gave "
                f"{', '.join(sorted(metrics)) or 'no metrics'}"
            )
        score = float(metrics[self.save_best])
        best = runner.message_hub.get_info(_SCORE, -self.sign * math.inf)
        if math.isnan(score) or self.sign * score <= self.sign * best:
            return
        runner.message_hub.update_info(_SCORE, score)
        runner.message_hub.update_info(_EPOCH, runner.epoch)
        runner.save_checkpoint(
            runner.work_dir,
            BEST_CHECKPOINT,
            save_optimizer=False,
            save_param_scheduler=False,
            meta={"epoch": runner.epoch, "iter": runner.iter, "metric": self.save_best, "score": score},
        )
        runner.logger.info(
            f"Best {self.save_best} so far: {score:.4f} at epoch {runner.epoch}, saved to {BEST_CHECKPOINT}"
        )


def _validation_follows(runner) -> bool:
    """Whether the epoch that has just been trained, and isn't counted yet, will be validated."""
    loop, done = runner.train_loop, runner.epoch + 1
    interval = loop.dynamic_intervals[bisect.bisect(loop.dynamic_milestones, done + 1) - 1]
    due = done % interval == 0 or done == runner.max_epochs
    return runner.val_loop is not None and done >= loop.val_begin and due
