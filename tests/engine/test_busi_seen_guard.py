"""The published BUSI files: every training image is recognised at another size, and strangers are not."""

import cv2
import numpy as np
import pytest

from ultraref.datasets import LesionDataset
from ultraref.datasets.converters import convert, find_busi
from ultraref.datasets.fingerprints import Fingerprints, fingerprints_of, read_seen_images, seen_images
from ultraref.datasets.image_io import read_image
from ultraref.datasets.likeness.view import View
from ultraref.engine.seen_copies import find_copies
from ultraref.testing.phantom import make_phantom

pytestmark = [pytest.mark.realdata, pytest.mark.slow]
LONGER_SIDE = 384


@pytest.fixture(scope="module")
def busi(busi_root, tmp_path_factory):
    """The converted set, as the files are."""
    folder = tmp_path_factory.mktemp("busi") / "busi"
    convert(find_busi(busi_root), folder, "busi")
    return folder


@pytest.fixture(scope="module")
def trained(busi):
    """What a checkpoint says that was trained on all 518 training images."""
    (own,) = fingerprints_of(LesionDataset(str(busi), fold=None))
    return read_seen_images(seen_images([own]))


def other_size(image, seed):
    """Shrunk to 384 px where the file is larger, else enlarged by 1.3 to 2.7, as between the published files and a small copy."""
    longer = max(image.shape)
    factor = LONGER_SIDE / longer if longer > LONGER_SIDE else np.random.default_rng(seed).uniform(1.3, 2.7)
    way = cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC
    resized = cv2.resize(image, None, fx=factor, fy=factor, interpolation=way)
    return cv2.imdecode(cv2.imencode(".jpg", resized, [cv2.IMWRITE_JPEG_QUALITY, 80])[1], cv2.IMREAD_GRAYSCALE)


def evaluated(images, names, dataset):
    views = [View.of(image) for image in images]
    return [Fingerprints(dataset, "other", None, names, np.stack([view.hashes[0] for view in views]), views)]


@pytest.mark.parametrize("dataset", ["busi", "another name"])
def test_all_518_are_recognised_at_another_size(busi, trained, dataset):
    own = LesionDataset(str(busi), fold=None)
    assert len(own.names) == 518
    images = [other_size(read_image(path), seed) for seed, path in enumerate(own.image_paths.values())]
    names = own.names if dataset == "busi" else [f"n{number}" for number in range(518)]
    assert len(find_copies(trained, evaluated(images, names, dataset)).seen) == 518


def test_300_strangers_raise_no_alarm(trained):
    images = [make_phantom(np.random.default_rng(seed)).image for seed in range(300)]
    copies = find_copies(trained, evaluated(images, [f"benign_{number:04d}" for number in range(1, 301)], "busi"))
    assert copies.seen == copies.unconfirmed == {}


def test_the_test_images_of_the_grouped_split_raise_no_alarm_under_another_split(busi, trained):
    """Real strangers: none of them shows what a training image does."""
    own = LesionDataset(str(busi), split="test")
    images = [other_size(read_image(path), seed) for seed, path in enumerate(own.image_paths.values())]
    assert find_copies(trained, evaluated(images, own.names, "busi")).seen == {}
