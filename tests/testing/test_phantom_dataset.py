"""The written set has BUSI's layout and quirks."""

from collections import Counter

import numpy as np
import pytest
from PIL import Image

from ultraref.testing.phantom_dataset import write_phantom_busi


def test_layout_and_quirks(raw_phantoms):
    modes, mask_modes, second_masks = Counter(), Counter(), 0
    for category, count in {"benign": 17, "malignant": 10, "normal": 3}.items():
        folder = raw_phantoms / category
        for number in range(1, count + 1):
            image = Image.open(folder / f"{category} ({number}).png")
            mask = Image.open(folder / f"{category} ({number})_mask.png")
            assert image.size == mask.size
            assert np.asarray(mask).any() == (category != "normal")
            modes[image.mode] += 1
            mask_modes[mask.mode] += 1
            second_masks += (folder / f"{category} ({number})_mask_1.png").exists()
    assert set(modes) == {"L", "RGB"}
    assert set(mask_modes) == {"L", "1"}
    assert second_masks == 2  # benign (6) and malignant (6)
    assert len(list(raw_phantoms.rglob("*.png"))) == 30 + 30 + second_masks


def test_more_images_leave_the_first_ones_as_they_were(tmp_path):
    assert write_phantom_busi(tmp_path / "few", 10, seed=4) == {"benign": 6, "malignant": 3, "normal": 1}
    write_phantom_busi(tmp_path / "more", 14, seed=4)
    write_phantom_busi(tmp_path / "other", 10, seed=5)
    for path in (tmp_path / "few").rglob("*.png"):
        assert (tmp_path / "more" / path.relative_to(tmp_path / "few")).read_bytes() == path.read_bytes()
    name = "benign/benign (1).png"
    assert (tmp_path / "few" / name).read_bytes() != (tmp_path / "other" / name).read_bytes()


def test_processes_draw_the_same_images(tmp_path):
    write_phantom_busi(tmp_path / "one", 10, seed=4, max_side=100)
    write_phantom_busi(tmp_path / "two", 10, seed=4, max_side=100, jobs=2)
    paths = sorted((tmp_path / "one").rglob("*.png"))
    assert len(paths) >= 20
    for path in paths:
        assert (tmp_path / "two" / path.relative_to(tmp_path / "one")).read_bytes() == path.read_bytes()
        assert max(Image.open(path).size) == 100


def test_progress_counts_every_image(tmp_path):
    seen = []

    def progress(items, total):
        for item in items:
            seen.append(total)
            yield item

    write_phantom_busi(tmp_path, 10, max_side=64, progress=progress)
    assert seen == [10] * 10


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"num": 9}, r"at least 10.*num is 9"),
        ({"num": 10, "max_side": 8}, "max_side=8.*32 pixels"),
        ({"num": 10, "jobs": 0}, "jobs=0.*at least 1"),
    ],
)
def test_requests_that_leave_nothing_are_refused(tmp_path, options, message):
    with pytest.raises(ValueError, match=message):
        write_phantom_busi(tmp_path, **options)
