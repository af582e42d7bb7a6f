"""Pictures of a few cases at each validation and test."""

from collections.abc import Sequence
from pathlib import Path

from mmengine.hooks import Hook
from mmengine.runner import Runner

from ultraref.atomic import atomic_file
from ultraref.datasets.image_io import encode_rgb_png
from ultraref.names import file_of
from ultraref.registry import HOOKS
from ultraref.structures import SegDataSample
from ultraref.visualization import draw_overlay


@HOOKS.register_module()
class OverlayHook(Hook):
    """Writes overlays (`ultraref.visualization.draw_overlay`) of the first cases.

    Args:
        num_val: cases of each validation, also sent to TensorBoard. They are written to WORK_DIR/overlays/.
        num_test: cases of a test; None for all. Written to `show_dir`, or WORK_DIR/overlays/ where that is None.
        show_dir: folder for the test's overlays.
    """

    priority = "LOWEST"

    def __init__(self, num_val: int = 4, num_test: int | None = 0, show_dir: str | None = None):
        self.num_val, self.num_test, self.show_dir = num_val, num_test, show_dir
        self._done = 0

    def before_val_epoch(self, runner: Runner) -> None:
        """Starts counting cases again."""
        self._done = 0

    def before_test_epoch(self, runner: Runner) -> None:
        """Starts counting cases again."""
        self._done = 0

    def after_val_iter(
        self, runner: Runner, batch_idx: int, data_batch: dict, outputs: Sequence[SegDataSample] = ()
    ) -> None:
        """Draws what is still wanted of this batch."""
        for name, picture in self._draw(data_batch, outputs, self.num_val, runner.val_dataloader):
            self._write(Path(runner.work_dir) / "overlays", name, picture)
            runner.visualizer.add_image(f"val/{name}", picture, step=runner.epoch)

    def after_test_iter(
        self, runner: Runner, batch_idx: int, data_batch: dict, outputs: Sequence[SegDataSample] = ()
    ) -> None:
        """Draws what is still wanted of this batch."""
        folder = Path(self.show_dir) if self.show_dir is not None else Path(runner.work_dir) / "overlays"
        for name, picture in self._draw(data_batch, outputs, self.num_test, runner.test_dataloader):
            self._write(folder, name, picture)

    def _draw(self, data_batch: dict, outputs: Sequence[SegDataSample], wanted: int | None, dataloader):
        several = hasattr(dataloader.dataset, "datasets")
        inputs = data_batch["inputs"]
        images = inputs["sam_image"] if "sam_image" in inputs else inputs["coarse_image"]
        for image, sample in zip(images, outputs):
            if wanted is not None and self._done >= wanted:
                return
            self._done += 1
            # What lies beyond the content is padding, which predictions don't cover.
            rows, columns = sample.metainfo.get("content_size", image.shape[-2:])
            # Images of two sets may have one name.
            names = [sample.metainfo.get("dataset"), sample.metainfo["name"]]
            yield (
                "_".join(names if several else names[1:]),
                draw_overlay(image[0, :rows, :columns].cpu().numpy(), sample),
            )

    @staticmethod
    def _write(folder: Path, name: str, picture) -> None:
        with atomic_file(file_of(folder, name, ".png")) as file:
            file.write(encode_rgb_png(picture))
