"""Videos: the order of frames, and a median over time between the coarse network and refinement."""

import csv

import cv2
import numpy as np
import pytest
from PIL import Image

from ultraref.apis import UltraRefInferencer, predict_files
from ultraref.cli.inference_arguments import run
from ultraref.errors import UserError

SHAPE = (40, 60)


def pictures(count: int) -> list[np.ndarray]:
    return [np.random.default_rng(seed).integers(0, 255, SHAPE, np.uint8) for seed in range(count)]


def write_tiff(path, frames):
    path.parent.mkdir(parents=True, exist_ok=True)
    pages = [Image.fromarray(frame) for frame in frames]
    pages[0].save(path, save_all=True, append_images=pages[1:])
    return path


def names(out) -> list[str]:
    with open(out / "predictions.csv", newline="") as file:
        return [row["name"] for row in csv.DictReader(file)]


def coarse_of(samples) -> np.ndarray:
    return np.stack([sample.coarse.data.numpy() for sample in samples])


def test_the_median_of_a_coarse_networks_predictions(coarse, tmp_path):
    path = write_tiff(tmp_path / "a.tif", pictures(6))
    alone = coarse_of(UltraRefInferencer(*coarse, "cpu")(path))
    smooth = coarse_of(UltraRefInferencer(*coarse, "cpu", temporal_median=5)(path, batch_size=4))
    for place, radius in enumerate((0, 1, 2, 2, 1, 0)):
        expected = np.median(alone[place - radius : place + radius + 1], axis=0)
        np.testing.assert_allclose(smooth[place], expected, atol=1e-6)


def test_refinement_starts_from_the_median(joint, tmp_path):
    a, b = pictures(2)
    path = write_tiff(tmp_path / "a.tif", [a, b, a, a, b])
    plain = UltraRefInferencer(*joint, "cpu")
    smooth = UltraRefInferencer(*joint, "cpu", temporal_median=3)(path, batch_size=2)
    of_a, of_b = (plain(picture)[0] for picture in (a, b))
    # Of a, b, a the median is a's, of the last frame its own.
    for sample, expected in zip(smooth, (of_a, of_a, of_a, of_a, of_b)):
        np.testing.assert_allclose(sample.coarse.data, expected.coarse.data, atol=1e-6)
    for place, expected in ((0, of_a), (2, of_a), (4, of_b)):
        np.testing.assert_allclose(smooth[place].refined.data, expected.refined.data, atol=1e-5)
    # The second frame is refined on its own picture.
    assert np.abs(smooth[1].sam.data - of_a.sam.data).max() > 1e-4


def test_masks_that_are_given_are_smoothed_too(stored, tmp_path):
    frames, masks = pictures(3), [np.zeros(SHAPE, np.uint8) for _ in range(3)]
    masks[0][10:30, 10:40] = masks[2][10:30, 10:40] = 255
    write_tiff(tmp_path / "images" / "a.tif", frames)
    (tmp_path / "masks").mkdir()
    for place, mask in enumerate(masks):
        cv2.imwrite(str(tmp_path / "masks" / f"a_f{place:04d}.png"), mask)
    refiner = UltraRefInferencer(*stored, "cpu", temporal_median=3)
    samples = refiner(tmp_path / "images", coarse=tmp_path / "masks")
    # The middle frame's mask is missing, and its neighbours' two are the majority.
    np.testing.assert_allclose(samples[1].coarse.data, samples[0].coarse.data, atol=1e-6)
    assert samples[1].coarse.data.max() > 0.5


def test_folders_as_videos(coarse, tmp_path):
    frames = pictures(11)
    for folder in ("v1", "v2"):
        (tmp_path / "in" / folder).mkdir(parents=True)
    for place, frame in enumerate(frames):
        cv2.imwrite(str(tmp_path / "in" / "v1" / f"frame{place}.png"), frame)
    cv2.imwrite(str(tmp_path / "in" / "v2" / "frame0.png"), frames[0])
    model = UltraRefInferencer(*coarse, "cpu", temporal_median=3, video_folders=True)
    out = tmp_path / "out"
    report = predict_files(model, tmp_path / "in", out, outputs=("probabilities",), show_progress=False)
    assert (report.written, report.alone) == (12, 0)
    assert names(out) == [f"v1/frame{place}" for place in range(11)] + ["v2/frame0"]
    alone = coarse_of(UltraRefInferencer(*coarse, "cpu")(frames))
    found = np.stack([np.load(out / "probabilities" / "v1" / f"frame{place}.npy") for place in (8, 9, 10)])
    small = np.stack([cv2.resize(prob, (32, 32), interpolation=cv2.INTER_AREA) for prob in found])
    expected = np.stack([np.median(alone[7:10, 0], axis=0), np.median(alone[8:11, 0], axis=0), alone[10, 0]])
    assert np.abs(small - expected).mean() < np.abs(small - alone[8:11, 0]).mean() / 2
    # Each part has whole videos, and a frame that changed makes its video anew.
    parts = [
        predict_files(
            model, tmp_path / "in", tmp_path / "parts", outputs=("probabilities",), shard=(part, 2), show_progress=False
        )
        for part in (1, 2)
    ]
    assert [part.written for part in parts] == [11, 1]
    cv2.imwrite(str(tmp_path / "in" / "v1" / "frame5.png"), frames[0])
    again = predict_files(model, tmp_path / "in", out, outputs=("probabilities",), show_progress=False)
    assert (again.written, again.kept) == (11, 1)


def test_a_frame_that_is_missing_is_made_again_among_its_neighbours(coarse, tmp_path):
    path, out = write_tiff(tmp_path / "in" / "a.tif", pictures(5)), tmp_path / "out"
    model = UltraRefInferencer(*coarse, "cpu", temporal_median=3)
    options = dict(outputs=("probabilities",), show_progress=False)
    predict_files(model, path, out, **options)
    lost = out / "probabilities" / "a_f0002.npy"
    before = lost.read_bytes()
    lost.unlink()
    report = predict_files(model, path, out, **options)
    assert (report.written, report.kept) == (1, 4)
    assert lost.read_bytes() == before
    with pytest.raises(UserError, match="temporal_median: 3, now None"):
        predict_files(UltraRefInferencer(*coarse, "cpu"), path, out, **options)


def test_images_of_no_video_are_counted_on_the_screen(coarse, tmp_path, capsys):
    from argparse import Namespace

    cv2.imwrite(str(tmp_path / "a.png"), pictures(1)[0])
    arguments = dict(input=[str(tmp_path / "a.png")], out=tmp_path / "out", save=["masks"], threshold=0.5)
    model = UltraRefInferencer(*coarse, "cpu", temporal_median=3)
    assert run(Namespace(**arguments, batch_size=8, shard=(1, 1)), model) == 0
    assert "1 images are of no video" in capsys.readouterr().out


def test_what_does_not_go_together(joint, coarse, tmp_path):
    for options, message in (
        (dict(temporal_median=4), "odd number"),
        (dict(video_folders=True), "give both, or neither"),
        (dict(temporal_median=3, each_lesion=True), "--each-lesion don't go together"),
        (dict(temporal_median=3, tta=True), "--tta don't go together"),
    ):
        with pytest.raises(UserError, match=message):
            UltraRefInferencer(*joint, "cpu", **options)
    with pytest.raises(UserError, match="leave temporal_median out"):
        UltraRefInferencer(*joint, "cpu", temporal_median=3)(pictures(1)[0], boxes=[[1, 1, 9, 9]])
