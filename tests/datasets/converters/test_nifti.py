"""NIfTI as a source: orientation, grid, spacing, labels, frames."""

import sys

import nibabel
import numpy as np
import pytest

from ultraref.cli.main import main
from ultraref.datasets.converters import find_nifti
from ultraref.datasets.splits import Splits
from ultraref.errors import MissingFileError, MissingLibraryError, UserError

SHAPE = (30, 44)


def picture(seed: int) -> np.ndarray:
    return np.kron(np.random.default_rng(seed).integers(0, 256, (6, 11)), np.ones((5, 4))).astype(np.uint8)


def lesion(top=8, left=10, size=10, value=1) -> np.ndarray:
    mask = np.zeros(SHAPE, np.uint8)
    mask[top : top + size, left : left + size] = value
    return mask


def save(path, frames: np.ndarray, affine=None, units=None, stack=False) -> None:
    """Writes (H, W), or (N, H, W) as time points, or as a volume."""
    path.parent.mkdir(parents=True, exist_ok=True)
    array = frames.T[..., None] if frames.ndim == 2 else frames.T
    if frames.ndim == 3 and not stack:
        array = array[:, :, None]
    image = nibabel.Nifti1Image(np.ascontiguousarray(array), np.eye(4) if affine is None else affine)
    if units:
        image.header.set_xyzt_units(xyz=units)
    nibabel.save(image, path)


def save_case(src, case: str, image, mask, **options) -> None:
    save(src / "imagesTr" / f"{case}_0000.nii.gz", image, **options)
    save(src / "labelsTr" / f"{case}.nii.gz", mask, **options)


def test_nnunets_layout(tmp_path):
    # The spacing of an x pixel is 0.2 mm, of a y pixel 0.1 mm; the table has the row first.
    save_case(tmp_path, "Case7", picture(0), lesion(), affine=np.diag([-0.2, -0.1, 1, 1]))
    save(tmp_path / "imagesTr" / "lonely_0000.nii.gz", picture(1))
    found = find_nifti(tmp_path, patient="case([0-9]+)")
    (sample,) = found.samples
    assert (sample.name, sample.patient, sample.video, sample.frame) == ("case0007", "7", None, None)
    assert (sample.spacing, sample.spacing_source) == ((pytest.approx(0.1), pytest.approx(0.2)), "NIfTI header")
    np.testing.assert_array_equal(sample.load_image(sample, None), picture(0))
    np.testing.assert_array_equal(sample.load_masks(sample)[0][0], lesion())
    assert "lonely_0000.nii.gz: an image without a mask (looked for" in found.left_out[0]


@pytest.mark.parametrize(
    ("affine", "units", "spacing"),
    [
        (np.eye(4), None, None),
        (np.diag([1, 0.5, 1, 1]), None, (0.5, 1)),
        (np.diag([3e-4, 2e-4, 1, 1]), "meter", (0.2, 0.3)),
        (np.diag([300, 200, 1, 1]), "micron", (0.2, 0.3)),
    ],
)
def test_spacing_is_in_millimetres_and_1_by_1_is_none(tmp_path, affine, units, spacing):
    save_case(tmp_path, "a", picture(0), lesion(), affine=affine, units=units)
    (sample,) = find_nifti(tmp_path).samples
    assert sample.spacing == (None if spacing is None else pytest.approx(spacing))
    assert sample.spacing_source == (None if spacing is None else "NIfTI header")


@pytest.mark.parametrize("stack", [False, True])
def test_frames_are_a_video(tmp_path, stack):
    # More than 8 bits, and the brightest value in a later frame: one depth for all frames.
    frames = np.stack([picture(seed).astype(np.uint16) for seed in range(5)])
    frames[3] *= 16
    masks = np.stack([lesion(top=seed) for seed in range(5)])
    masks[1] = 0
    save_case(tmp_path, "loop", frames, masks, stack=stack)
    save_case(tmp_path, "one", picture(9), lesion())
    samples = find_nifti(tmp_path, stack=stack, every=2).samples
    assert [sample.name for sample in samples] == ["loop_f0000", "loop_f0002", "loop_f0004", "one"]
    assert [sample.video for sample in samples] == ["loop"] * 3 + [None]
    bits = 12
    for sample in samples[:3]:
        expected = np.rint(frames[sample.frame] * (255 / (2**bits - 1)))
        np.testing.assert_array_equal(sample.load_image(sample, bits), expected)
        np.testing.assert_array_equal(sample.load_masks(sample)[0][0], masks[sample.frame])


def test_one_depth_is_taken_by_the_converter(tmp_path, capsys):
    for number in range(10):
        frames = np.stack([picture(2 * number + 1).astype(np.uint16), picture(2 * number).astype(np.uint16) * 4])
        save_case(tmp_path / "src", f"c{number}", frames, np.stack([lesion(), lesion(2)]))
    assert main(["convert", "nifti", str(tmp_path / "src"), str(tmp_path / "dst"), "--duplicate-distance", "0"]) == 0
    assert "taken as 10 bits" in capsys.readouterr().out
    splits = Splits.read(tmp_path / "dst")
    assert len(splits.images) == 20
    for number in range(10):
        pair = [splits.images[f"c{number:04d}_f000{frame}"] for frame in (0, 1)]
        assert (pair[0].split, pair[0].fold) == (pair[1].split, pair[1].fold)


def test_a_volume_is_frames_only_if_somebody_says_so(tmp_path):
    save_case(tmp_path, "a", np.stack([picture(0)] * 3), np.stack([lesion()] * 3), stack=True)
    found = find_nifti(tmp_path)
    assert not found.samples
    assert "a volume" in found.bad[0]
    assert "--stack" in found.bad[0]


def test_labels_are_chosen(tmp_path):
    # Each image has one value, but the set has two.
    save_case(tmp_path, "a", picture(0), lesion(value=1))
    save_case(tmp_path, "b", picture(1), lesion(value=2))
    with pytest.raises(UserError, match=r"2 classes: 1 \(1\), 2 \(1\); .*--classes"):
        find_nifti(tmp_path)
    a, b = find_nifti(tmp_path, classes=["2"]).samples
    assert not a.load_masks(a)[0][0].any()
    np.testing.assert_array_equal(b.load_masks(b)[0][0], lesion())


def test_masks_of_another_grid_are_refused(tmp_path):
    save(tmp_path / "imagesTr" / "a_0000.nii.gz", picture(0), affine=np.diag([0.2, 0.2, 1, 1]))
    save(tmp_path / "labelsTr" / "a.nii.gz", lesion(), affine=np.diag([0.2, -0.2, 1, 1]))
    save(tmp_path / "imagesTr" / "b_0000.nii.gz", picture(0))
    save(tmp_path / "labelsTr" / "b.nii.gz", np.stack([lesion()] * 2))
    save(tmp_path / "imagesTr" / "c_0000.nii.gz", picture(0))
    save(tmp_path / "labelsTr" / "c.nii.gz", (lesion() * 0.3).astype(np.float32))
    found = find_nifti(tmp_path)
    assert not found.samples
    assert "a.nii.gz: its affine [[0.2, 0.0, 0.0, 0.0], [0.0, -0.2," in found.bad[0]
    assert "b.nii.gz: has 2 frames, but its image" in found.bad[1]
    assert "c.nii.gz: has broken values" in found.bad[2]


def test_what_is_asked_for_wrongly(tmp_path, monkeypatch):
    save_case(tmp_path, "a", picture(0), lesion())
    with pytest.raises(MissingFileError, match="finds no NIfTI file"):
        find_nifti(tmp_path, images="images/*")
    with pytest.raises(MissingFileError, match=r"would be .*labels/a_0000\.nii"):
        find_nifti(tmp_path, masks="labels/{name}.nii")
    with pytest.raises(UserError, match=r"unknown part \{stem\}"):
        find_nifti(tmp_path, masks="{stem}.nii")
    with pytest.raises(UserError, match="--every is 0"):
        find_nifti(tmp_path, every=0)
    with pytest.raises(UserError, match="group in parentheses"):
        find_nifti(tmp_path, patient="a")
    monkeypatch.setitem(sys.modules, "nibabel", None)
    with pytest.raises(MissingLibraryError, match=r"ultraref\[dicom\]"):
        find_nifti(tmp_path)
