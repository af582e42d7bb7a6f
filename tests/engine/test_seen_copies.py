"""Copies of trained images are found by name and by hash; unrelated images raise no alarm."""

import cv2
import numpy as np
import pytest
from PIL import Image

from ultraref.datasets.fingerprints import Fingerprints
from ultraref.datasets.likeness.furniture import find_furniture
from ultraref.datasets.likeness.view import View
from ultraref.engine.seen_copies import find_copies, needs_hashes
from ultraref.testing.screenshot import make_screen, make_tissue

TISSUES = [make_tissue(np.random.default_rng(seed), 120, 160) for seed in range(40)]


def fingerprints(images, dataset="clinic", splits="s", prefix="i", files=None):
    views = [View.of(image) for image in images]
    furniture = find_furniture([view.picture for view in views], [image.shape for image in images])
    views = [furniture.view(view.picture, view.hashes, image.shape) for view, image in zip(views, images)]
    names = [f"{prefix}{number:03d}" for number in range(len(images))]
    return Fingerprints(dataset, splits, files, names, np.stack([view.hashes[0] for view in views]), views)


TRAINED = fingerprints(TISSUES[:20])


def recoded(image):
    large = cv2.resize(image, None, fx=2.3, fy=2.3, interpolation=cv2.INTER_CUBIC)
    return cv2.imdecode(cv2.imencode(".jpg", large, [cv2.IMWRITE_JPEG_QUALITY, 60])[1], cv2.IMREAD_GRAYSCALE)


def test_resized_and_recoded_copies_under_other_names():
    copies = find_copies([TRAINED], [fingerprints([recoded(t) for t in TISSUES[5:12]], "other", "t", "renamed")])
    assert copies.seen == {f"other/renamed{n:03d}": f"clinic/i{n + 5:03d}" for n in range(7)}
    assert not copies.unconfirmed


def test_mirrored_copies():
    copies = find_copies([TRAINED], [fingerprints([np.fliplr(t).copy() for t in TISSUES[:3]], "other", "t")])
    assert set(copies.seen.values()) == {"clinic/i000", "clinic/i001", "clinic/i002"}


def test_unrelated_images_raise_no_alarm_whatever_they_are_called():
    copies = find_copies([TRAINED], [fingerprints(TISSUES[20:], "clinic", "t")])
    assert copies.seen == copies.unconfirmed == {}


def test_unrelated_screenshots_raise_no_alarm_and_copies_of_them_do():
    screen = make_screen(180, 240)
    shots = [screen.show(tissue) for tissue in TISSUES]
    trained = fingerprints(shots[:20])
    assert not find_copies([trained], [fingerprints(shots[20:], "other", "t")]).seen
    mixed = [*shots[20:], recoded(shots[4])]
    assert find_copies([trained], [fingerprints(mixed, "other", "t")]).seen == {"other/i020": "clinic/i004"}


def test_one_split_is_not_compared_with_itself():
    copies = find_copies([TRAINED], [fingerprints(TISSUES[:20])])
    assert copies.seen == {}
    assert not needs_hashes([TRAINED], "clinic", "s")
    assert needs_hashes([TRAINED], "clinic", "t")
    assert needs_hashes([TRAINED], "other", "s")
    assert needs_hashes([fingerprints(TISSUES[:2], splits=None)], "clinic", None)


def far_copy(tissue):
    """A zoomed part of a picture, whose hash lies between what is sure and what is no candidate."""
    for margin in range(6, 30):
        copy = cv2.resize(tissue[margin:-margin, margin:-margin], (160, 120), interpolation=cv2.INTER_CUBIC)
        if 44 <= (View.of(copy).hashes[0] != View.of(tissue).hashes[0]).sum() <= 72:
            return copy
    raise AssertionError("no zoom changes so many bits")


def test_a_cropped_copy_is_confirmed_where_the_trained_image_is_here(tmp_path):
    for number, tissue in enumerate(TISSUES[:20]):
        Image.fromarray(tissue).save(tmp_path / f"i{number:03d}.png")
    own = fingerprints([far_copy(TISSUES[3])], "other", "t")
    here = fingerprints(TISSUES[:20], files=(f"{tmp_path}/", ".png"))
    assert find_copies([here], [own]).seen == {"other/i000": "clinic/i003"}
    # Elsewhere it is said, and not refused.
    gone = find_copies([fingerprints(TISSUES[:20], files=("nowhere/", ".png"))], [own])
    assert (gone.seen, gone.unconfirmed) == ({}, {"other/i000": "clinic/i003"})
    # Of a file that has changed nothing is confirmed.
    Image.fromarray(TISSUES[30]).save(tmp_path / "i003.png")
    assert find_copies([here], [own]).seen == {}


@pytest.mark.parametrize("count", [0, 1])
def test_nothing_trained_is_nothing_seen(count):
    none = Fingerprints("clinic", "s", None, [], np.zeros((0, 256), bool))
    assert find_copies([none] * count, [fingerprints(TISSUES[:2], "other")]).seen == {}
