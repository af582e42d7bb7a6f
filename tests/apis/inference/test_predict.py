"""Many files: what is written lies right, a bad file stops nothing, and a second call does what is missing."""

import csv

import cv2
import numpy as np
import pytest
import torch
from PIL import Image

from ultraref.apis import UltraRefInferencer, predict_files
from ultraref.errors import UserError
from ultraref.models.gates import ConstantGate


@pytest.fixture
def refiner(stored) -> UltraRefInferencer:
    """A model whose answer is the coarse mask: what goes in must come out, at its place."""
    inferencer = UltraRefInferencer(*stored, "cpu", softness=0)
    inferencer.model.gate = ConstantGate(0.0)
    return inferencer


@pytest.fixture
def joint_model(joint) -> UltraRefInferencer:
    return UltraRefInferencer(*joint, "cpu")


def rows(path) -> list[dict]:
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def write_pair(folder, name: str, shape=(48, 96), box=(8, 24, 24, 72), exif: int = 1) -> np.ndarray:
    """Writes an image, and a mask with a rectangle (top, left, bottom, right), both in the file's pixel order; returns the mask."""
    mask = np.zeros(shape, np.uint8)
    mask[box[0] : box[2], box[1] : box[3]] = 255
    image = np.random.default_rng(0).integers(0, 255, shape, np.uint8)
    for kind, array in (("images", image), ("coarse", mask)):
        (folder / kind).mkdir(exist_ok=True, parents=True)
        options = {}
        if exif != 1:
            options["exif"] = Image.Exif()
            options["exif"][274] = exif
        Image.fromarray(array).save(folder / kind / f"{name}.png", **options)
    return mask


def overlap(first: np.ndarray, second: np.ndarray) -> float:
    return (first & second).sum() / (first | second).sum()


@pytest.mark.parametrize("exif", [1, 2, 3, 4, 5, 6, 7, 8])
def test_a_mask_comes_back_in_the_frame_of_its_file(refiner, tmp_path, exif):
    mask = write_pair(tmp_path, "x", exif=exif)
    report = predict_files(refiner, tmp_path / "images", tmp_path / "out", tmp_path / "coarse", show_progress=False)
    assert report.written == 1
    with Image.open(tmp_path / "out" / "masks" / "x.png") as image:
        found = np.asarray(image)
        assert image.getexif().get(274, 1) == exif
    assert found.shape == mask.shape
    assert overlap(found > 0, mask > 0) > 0.9


def test_a_dicom_image_gives_a_mask_in_its_frame_and_mm(refiner, tmp_path):
    pytest.importorskip("pydicom")
    from ultraref.testing.dicom_files import write_dicom

    mask = write_pair(tmp_path, "x", shape=(40, 80), box=(4, 50, 20, 74))
    image = np.asarray(Image.open(tmp_path / "images" / "x.png"))
    (tmp_path / "images" / "x.png").unlink()
    write_dicom(tmp_path / "images" / "x.dcm", image)
    predict_files(refiner, tmp_path / "images", tmp_path / "out", tmp_path / "coarse", show_progress=False)
    found = cv2.imread(str(tmp_path / "out" / "masks" / "x.png"), cv2.IMREAD_UNCHANGED)
    assert found.shape == (40, 80)
    assert overlap(found > 0, mask > 0) > 0.9
    (row,) = rows(tmp_path / "out" / "predictions.csv")
    assert int(row["area_px"]) == (found > 0).sum()
    assert row["spacing_note"]


def test_everything_that_is_asked_for_is_written(joint_model, images, tmp_path):
    outputs = ("masks", "probabilities", "overlays", "gates", "sam")
    predict_files(joint_model, images, tmp_path / "out", outputs=outputs, show_progress=False)
    for output in outputs:
        found = sorted(
            p.relative_to(tmp_path / "out" / output).with_suffix("").as_posix()
            for p in (tmp_path / "out" / output).rglob("*.*")
        )
        assert found == ["a", "b", "d", "deep/c"]
    prob = np.load(tmp_path / "out" / "probabilities" / "deep" / "c.npy", allow_pickle=False)
    mask = cv2.imread(str(tmp_path / "out" / "masks" / "deep" / "c.png"), cv2.IMREAD_UNCHANGED)
    np.testing.assert_array_equal(mask, (prob > 0.5) * np.uint8(255))
    assert [row["name"] for row in rows(tmp_path / "out" / "predictions.csv")] == ["a", "b", "d", "deep/c"]


def test_a_bad_file_is_listed_and_the_rest_go_on(joint_model, images, tmp_path):
    (images / "broken.png").write_bytes((images / "a.png").read_bytes()[:200])
    (images / "zero.jpg").write_bytes(b"")
    report = predict_files(joint_model, images, tmp_path / "out", show_progress=False)
    assert report.written == 4
    assert sorted(report.failed) == ["broken", "zero"]
    assert [row["name"] for row in rows(tmp_path / "out" / "failed.csv")] == ["broken", "zero"]
    (images / "broken.png").unlink()
    (images / "zero.jpg").unlink()
    again = predict_files(joint_model, images, tmp_path / "out", show_progress=False)
    assert (again.written, again.kept, again.failed) == (0, 4, {})
    assert not (tmp_path / "out" / "failed.csv").exists()
    assert len(rows(tmp_path / "out" / "predictions.csv")) == 4


def test_a_second_call_does_what_is_missing(joint_model, images, tmp_path, monkeypatch):
    out = tmp_path / "out"
    predict_files(joint_model, images / "deep", out, show_progress=False)
    first = (out / "masks" / "c.png").stat().st_mtime_ns
    report = predict_files(joint_model, images / "deep", out, show_progress=False)
    assert (report.written, report.kept) == (0, 1)
    assert (out / "masks" / "c.png").stat().st_mtime_ns == first
    # A mask that was taken away, and an image that changed, are made again.
    (out / "masks" / "c.png").unlink()
    assert predict_files(joint_model, images / "deep", out, show_progress=False).written == 1
    cv2.imwrite(str(images / "deep" / "c.png"), np.zeros((64, 64), np.uint8))
    assert predict_files(joint_model, images / "deep", out, show_progress=False).written == 1
    with pytest.raises(UserError, match=r"threshold: 0\.5, now 0\.4"):
        predict_files(joint_model, images / "deep", out, threshold=0.4, show_progress=False)


def test_an_interrupted_run_keeps_what_it_wrote(joint_model, images, tmp_path, monkeypatch):
    out, asked = tmp_path / "out", []
    forward = type(joint_model.model).forward

    def interrupted(self, *args, **kwargs):
        asked.append(1)
        if len(asked) == 3:
            raise KeyboardInterrupt
        return forward(self, *args, **kwargs)

    monkeypatch.setattr(type(joint_model.model), "forward", interrupted)
    with pytest.raises(KeyboardInterrupt):
        predict_files(joint_model, images, out, batch_size=1, show_progress=False)
    assert not (out / "predictions.csv").exists()
    report = predict_files(joint_model, images, out, batch_size=1, show_progress=False)
    assert report.written + report.kept == 4
    assert len(rows(out / "predictions.csv")) == 4


def test_shards_share_the_files(joint_model, images, tmp_path):
    out = tmp_path / "out"
    reports = [predict_files(joint_model, images, out, shard=(i, 3), show_progress=False) for i in (1, 2, 3)]
    assert [report.written for report in reports] == [2, 1, 1]
    names = [row["name"] for i in (1, 2, 3) for row in rows(out / f"predictions_{i}of3.csv")]
    assert sorted(names) == ["a", "b", "d", "deep/c"]
    with pytest.raises(UserError, match="I/N with I from 1"):
        predict_files(joint_model, images, out, shard=(4, 3), show_progress=False)


def test_frames_of_a_file_have_numbers(joint_model, tmp_path):
    frames = np.random.default_rng(0).integers(0, 255, (5, 40, 60), np.uint8)
    pages = [Image.fromarray(frame) for frame in frames]
    (tmp_path / "in").mkdir()
    pages[0].save(tmp_path / "in" / "cine.tif", save_all=True, append_images=pages[1:])
    predict_files(joint_model, tmp_path / "in", tmp_path / "out", batch_size=2, show_progress=False)
    table = rows(tmp_path / "out" / "predictions.csv")
    assert [row["name"] for row in table] == [f"cine_f{i:04d}" for i in range(5)]
    assert [int(row["frame"]) for row in table] == list(range(5))
    direct = joint_model(frames[3])[0]
    mask = cv2.imread(str(tmp_path / "out" / "masks" / "cine_f0003.png"), cv2.IMREAD_UNCHANGED)
    np.testing.assert_array_equal(mask > 0, (direct.native_prob("refined") > 0.5).numpy())


def test_a_file_called_like_a_frame_is_refused_and_overwrites_nothing(joint_model, tmp_path):
    frames = np.random.default_rng(0).integers(0, 255, (3, 40, 60), np.uint8)
    pages = [Image.fromarray(frame) for frame in frames]
    (tmp_path / "in").mkdir()
    pages[0].save(tmp_path / "in" / "a.tif", save_all=True, append_images=pages[1:])
    pages[0].save(tmp_path / "in" / "a_f0002.png")
    with pytest.raises(UserError, match="could both be called a_f0002"):
        predict_files(joint_model, tmp_path / "in", tmp_path / "out", show_progress=False)
    assert not (tmp_path / "out").exists()


def test_masks_and_images_that_have_no_partner_are_listed(refiner, tmp_path):
    write_pair(tmp_path, "x")
    write_pair(tmp_path, "y")
    write_pair(tmp_path, "z")
    (tmp_path / "coarse" / "y.png").unlink()
    (tmp_path / "images" / "z.png").unlink()
    report = predict_files(refiner, tmp_path / "images", tmp_path / "out", tmp_path / "coarse", show_progress=False)
    assert report.written == 1
    assert list(report.failed) == ["y"]
    assert report.unused == [tmp_path / "coarse" / "z.png"]
    # The same of a call that finds everything done.
    again = predict_files(refiner, tmp_path / "images", tmp_path / "out", tmp_path / "coarse", show_progress=False)
    assert (again.written, again.kept, again.unused) == (0, 1, [tmp_path / "coarse" / "z.png"])


def test_the_mask_of_an_image_that_cannot_be_read_belongs_to_it(refiner, tmp_path):
    for name in ("x", "y", "z"):
        write_pair(tmp_path, name)
    (tmp_path / "images" / "y.png").write_bytes(b"")
    (tmp_path / "images" / "z.png").unlink()
    report = predict_files(refiner, tmp_path / "images", tmp_path / "out", tmp_path / "coarse", show_progress=False)
    assert (report.written, list(report.failed)) == (1, ["y"])
    assert report.unused == [tmp_path / "coarse" / "z.png"]


def test_one_image_takes_one_mask_whatever_its_name(refiner, tmp_path):
    mask = write_pair(tmp_path, "x")
    write_pair(tmp_path, "y")
    other = (tmp_path / "coarse" / "x.png").rename(tmp_path / "another name.png")
    predict_files(refiner, tmp_path / "images" / "x.png", tmp_path / "out", other, show_progress=False)
    found = cv2.imread(str(tmp_path / "out" / "masks" / "x.png"), cv2.IMREAD_UNCHANGED)
    assert overlap(found > 0, mask > 0) > 0.9
    with pytest.raises(UserError, match="is one mask, but there are 2 images"):
        predict_files(refiner, tmp_path / "images", tmp_path / "out2", other, show_progress=False)


def test_results_among_the_inputs_are_refused(joint_model, refiner, images, tmp_path):
    for out in (images, images / "deep", images / "out", images.parent):
        with pytest.raises(UserError, match="inputs"):
            predict_files(joint_model, images, out, show_progress=False)
    # OUT/masks would be the coarse masks' own folder.
    write_pair(tmp_path / "pairs", "x")
    (tmp_path / "pairs" / "coarse").rename(tmp_path / "pairs" / "masks")
    for out in (tmp_path / "pairs", tmp_path / "pairs" / "masks"):
        with pytest.raises(UserError, match="inputs"):
            predict_files(
                refiner, tmp_path / "pairs" / "images", out, tmp_path / "pairs" / "masks", show_progress=False
            )


def test_memory_and_open_files_do_not_grow(joint_model, tmp_path):
    """Frames in flight stay bounded: of 200 images no more than a few batches are held at once."""
    import gc
    import os

    (tmp_path / "in").mkdir()
    for i in range(200):
        cv2.imwrite(str(tmp_path / "in" / f"{i:03d}.png"), np.full((32, 32), i, np.uint8))
    before = len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else None
    most = 0
    for count, _ in enumerate(joint_model.stream(tmp_path / "in", batch_size=4)):
        if count % 40 == 39:
            gc.collect()
            most = max(most, sum(type(o).__name__ == "Prepared" for o in gc.get_objects()))
            if before is not None:
                assert len(os.listdir("/proc/self/fd")) <= before + 8
    assert most <= 16
    assert torch.is_grad_enabled()


def test_hostile_files_never_stop_the_rest(joint_model, tmp_path):
    """Every kind of trouble at once, between two good images, in one batch: each is one line, and the good ones are written."""
    folder = tmp_path / "in"
    folder.mkdir()
    good = np.random.default_rng(0).integers(0, 255, (40, 50), np.uint8)
    png = cv2.imencode(".png", good)[1].tobytes()
    huge = png[:16] + (30000).to_bytes(4, "big") * 2 + png[24:]
    for name, content in {
        "a_good.png": png,
        "b_empty.png": b"",
        "c_truncated.png": png[: len(png) // 2],
        "d_huge.png": huge,
        "e_text.jpg": b"not an image",
        "f_gif.png": b"GIF89a" + bytes(50),
        "g.dcm": bytes(128) + b"DICM" + bytes(40),
        "h.nii.gz": b"\x1f\x8b" + bytes(30),
        "i.npy": b"\x93NUMPY\x01\x00" + bytes(30),
        "j.tif": b"II*\x00" + b"\xff" * 30,
        "z_good.jpg": cv2.imencode(".jpg", good)[1].tobytes(),
    }.items():
        (folder / name).write_bytes(content)
    np.save(folder / "k.npy", np.full((8, 8), np.nan, np.float32))
    np.save(folder / "l.npy", np.array([{}], dtype=object), allow_pickle=True)
    (folder / "m.png").symlink_to(tmp_path / "gone.png")
    cv2.imwrite(str(folder / "n_one_pixel_wide.png"), good[:, :1])
    report = predict_files(joint_model, folder, tmp_path / "out", batch_size=4, show_progress=False)
    assert sorted(row["name"] for row in rows(tmp_path / "out" / "predictions.csv")) == [
        "a_good",
        "n_one_pixel_wide",
        "z_good",
    ]
    assert sorted(report.failed) == sorted(
        ["b_empty", "c_truncated", "d_huge", "e_text", "f_gif", "g", "h", "i", "j", "k", "l", "m"]
    )
    for reason in report.failed.values():
        assert "\n" not in reason
        assert "Traceback" not in reason
        assert len(reason) > 20
