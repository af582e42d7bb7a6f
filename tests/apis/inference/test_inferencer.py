"""The inferencer says what a test says, whatever else is in the batch; and what it is given is used."""

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config
from PIL import Image

from ultraref.apis import UltraRefInferencer, init_model
from ultraref.datasets.collate import stack_collate
from ultraref.datasets.pipeline import Pipeline
from ultraref.errors import UserError


def result_of_a_test(cfg: Config, checkpoint: str, path, mask) -> dict[str, torch.Tensor]:
    """What the test's own pipeline and the model give of an image, alone in its batch."""
    model = init_model(cfg, checkpoint)
    cv2.imwrite(str(mask), np.zeros(cv2.imread(str(path), 0).shape, np.uint8))
    sample = dict(
        name="x",
        img_path=str(path),
        seg_map_path=str(mask),
        sizes=model.sizes,
        seg_fields=[],
        rng=np.random.default_rng(0),
    )
    packed = Pipeline(cfg.test_dataloader.dataset.pipeline)(sample)
    with torch.inference_mode():
        result = model(**model.data_preprocessor(stack_collate([packed])), mode="predict")[0]
    return {name: result.get(name).data for name in ("coarse", "sam", "gate", "refined") if name in result}


@pytest.mark.parametrize("kind", ["joint", "coarse"])
@pytest.mark.parametrize("batch_size", [1, 3, 8])
def test_the_result_is_that_of_a_test(kind, batch_size, request, images, tmp_path):
    cfg, checkpoint = request.getfixturevalue(kind)
    found = UltraRefInferencer(cfg, checkpoint, "cpu")(images, batch_size=batch_size)
    assert [sample.metainfo["name"] for sample in found] == ["a", "b", "d", "deep/c"]
    for sample in found:
        path = images / f"{sample.metainfo['name']}.png"
        for name, value in result_of_a_test(cfg, checkpoint, path, tmp_path / "mask.png").items():
            torch.testing.assert_close(sample.get(name).data, value, atol=1e-5, rtol=0)
        assert sample.metainfo["ori_shape"] == cv2.imread(str(path), 0).shape


def test_paths_arrays_and_pil_images_are_the_same(joint, images):
    inferencer = UltraRefInferencer(*joint, "cpu")
    path = images / "a.png"
    array = cv2.imread(str(path), 0)
    results = inferencer([str(path), array, Image.fromarray(array), np.repeat(array[..., None], 3, axis=2)])
    for sample in results[1:]:
        torch.testing.assert_close(sample.refined.data, results[0].refined.data, atol=1e-6, rtol=0)
    alone = inferencer(array)
    assert len(alone) == 1
    torch.testing.assert_close(alone[0].refined.data, results[0].refined.data, atol=1e-6, rtol=0)


def test_a_coarse_mask_is_refined_in_its_place(joint, stored, images):
    """A model with a coarse network and one without say the same of a given mask, the rest of both being one."""
    cfg, checkpoint = joint
    mask = np.zeros((60, 90), np.float32)
    mask[20:40, 30:60] = 0.9
    joint_model = UltraRefInferencer(cfg, checkpoint, "cpu")
    stored_model = UltraRefInferencer(*stored, "cpu")
    stored_model.model.refiner.load_state_dict(joint_model.model.refiner.state_dict())
    stored_model.model.gate = joint_model.model.gate
    first, second = (model(images / "a.png", coarse=mask)[0] for model in (joint_model, stored_model))
    torch.testing.assert_close(first.refined.data, second.refined.data, atol=1e-6, rtol=0)
    assert (first.coarse.data > 0.5).any()
    own = joint_model(images / "a.png")[0]
    assert not torch.equal(own.coarse.data, first.coarse.data)


def test_company_changes_nothing_of_prompted_images(joint, images):
    inferencer = UltraRefInferencer(*joint, "cpu")
    paths = [images / name for name in ("a.png", "b.png", "d.png", "deep/c.png")]
    boxes = [[[5, 5, 60, 40]], None, [[5, 5, 20, 20], [40, 5, 90, 30]], None]
    points = [None, [[30, 40, 1], [5, 5, 0]], None, None]
    together = inferencer(paths, boxes=boxes, points=points)
    for path, box, point, sample in zip(paths, boxes, points, together):
        alone = inferencer(path, boxes=box, points=point)[0]
        torch.testing.assert_close(alone.refined.data, sample.refined.data, atol=1e-5, rtol=0)
    # A person's prompts are not weighed against the coarse mask.
    assert torch.equal(together[0].refined.data, together[0].sam.data)
    assert not torch.equal(together[3].refined.data, together[3].sam.data)


def test_a_person_may_ask_a_model_without_a_coarse_network(stored, images):
    sample = UltraRefInferencer(*stored, "cpu")(images / "a.png", boxes=[[5, 5, 60, 40]])[0]
    assert "coarse" not in sample
    assert "gate" not in sample
    assert sample.refined.data.max() > 0


def test_each_lesion_is_the_maximum_of_the_lesions_alone(stored, images):
    mask = np.zeros((60, 90), np.float32)
    mask[10:20, 10:30] = 1
    both = mask.copy()
    both[35:50, 50:80] = 1
    inferencer = UltraRefInferencer(*stored, "cpu", each_lesion=True)
    whole = inferencer(images / "a.png", coarse=both)[0]
    parts = [inferencer(images / "a.png", coarse=part)[0] for part in (mask, both - mask)]
    expected = torch.maximum(parts[0].refined.data, parts[1].refined.data)
    torch.testing.assert_close(whole.refined.data, expected, atol=1e-5, rtol=0)
    assert len(whole.prompts.box) == 2


def test_an_embedding_cache_is_kept_where_it_was_asked_for_and_nowhere_else(stored, images, tmp_path):
    cfg, checkpoint = stored
    cfg = Config(dict(cfg.to_dict()))
    cfg.model.refiner.sam["freeze"] = ["image_encoder"]
    cfg.model.refiner.embedding_cache = str(tmp_path / "of the recipe")
    cfg.model.data_preprocessor.hash_images = True
    mask = np.ones((60, 90), bool)
    mask[:20] = False
    plain = UltraRefInferencer(cfg, checkpoint, "cpu")(images / "a.png", coarse=mask)[0]
    cached = UltraRefInferencer(cfg, checkpoint, "cpu", embedding_cache=tmp_path / "cache")
    first, again = (cached(images / "a.png", coarse=mask)[0] for _ in range(2))
    assert len(list((tmp_path / "cache").rglob("*.npy"))) == 1
    assert not (tmp_path / "of the recipe").exists()
    torch.testing.assert_close(first.refined.data, plain.refined.data, atol=1e-6, rtol=0)
    torch.testing.assert_close(again.refined.data, plain.refined.data, atol=1e-6, rtol=0)


@pytest.mark.parametrize(
    ("kind", "given", "message"),
    [
        ("stored", dict(), "has no coarse network of its own"),
        ("coarse", dict(coarse=np.zeros((60, 90))), "takes no coarse mask"),
        ("coarse", dict(boxes=[[1, 1, 9, 9]]), "takes no boxes"),
        ("joint", dict(coarse=np.full((60, 90), 2.0)), r"lies in \[0, 1\], but this one has 2 to 2"),
        ("joint", dict(coarse="none.png"), "none.png"),
        ("joint", dict(batch_size=0), "batch_size is 0"),
    ],
)
def test_what_a_model_has_no_use_for_is_refused(kind, given, message, request, images):
    inferencer = UltraRefInferencer(*request.getfixturevalue(kind), "cpu")
    with pytest.raises(UserError, match=message):
        inferencer(images / "a.png", **given)


def test_random_weights_are_refused(joint):
    with pytest.raises(UserError, match=r"nothing fills model\.coarse_source and model\.refiner"):
        UltraRefInferencer(joint[0], device="cpu")


def test_a_bundle_is_used_like_its_checkpoint(joint, images, tmp_path):
    from ultraref.apis.export import export

    cfg, checkpoint = joint
    folder = export(cfg, checkpoint, "bundle", tmp_path / "bundle")
    expected = UltraRefInferencer(cfg, checkpoint, "cpu")(images)
    found = UltraRefInferencer(folder, device="cpu")(images)
    for first, second in zip(expected, found):
        assert torch.equal(first.refined.data, second.refined.data)
    with pytest.raises(UserError, match="has its own weights and config"):
        UltraRefInferencer(folder, checkpoint)


def test_a_device_that_is_not_there(joint):
    for device in ("cuda:99", "gpu"):
        with pytest.raises(UserError, match=f"device '{device}' can't be used"):
            UltraRefInferencer(*joint, device)


@pytest.mark.parametrize("boxes", [None, [[3, 10, 20, 40]]])
def test_flips_make_the_answer_indifferent_to_a_flip(joint, boxes):
    """Exact: sides of 64 and 32 px fit both frames without a weight that differs from left to right. SAM's frame is padded."""
    image = np.random.default_rng(0).integers(0, 255, (64, 32), np.uint8)
    mirrored = None if boxes is None else [[31 - x2, y1, 31 - x1, y2] for x1, y1, x2, y2 in boxes]
    for tta in (True, False):
        inferencer = UltraRefInferencer(*joint, "cpu", tta=tta)
        here = inferencer(image, boxes=boxes)[0]
        there = inferencer(np.ascontiguousarray(image[:, ::-1]), boxes=mirrored)[0]
        for name in ("sam", "refined"):
            assert here.get(name).data.shape == (1, 64, 32)
            same = torch.allclose(here.get(name).data, there.get(name).data.flip(-1), atol=1e-5)
            assert same is tta, name
