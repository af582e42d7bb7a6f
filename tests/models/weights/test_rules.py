"""Published weights are used as they were trained, or the user says that he means it."""

import logging

import pytest
import torch

from ultraref.errors import UserError
from ultraref.models.weights import WeightsUse, check_use, rules
from ultraref.models.weights.medsam import LITE_MEDSAM, MEDSAM_VIT_B
from ultraref.models.weights.sam import SAM_VIT_B
from ultraref.registry import MODELS, REFINERS
from ultraref.testing.tiny_models import tiny_refiner, tiny_sam

ALL = frozenset({"points", "box", "mask"})


@pytest.mark.parametrize(
    ("profile", "use", "problems"),
    [
        (SAM_VIT_B, WeightsUse("imagenet", "pad", ALL, 3), []),
        (SAM_VIT_B, WeightsUse(candidates=1), []),
        (SAM_VIT_B, WeightsUse(scale="minmax"), ["image_encoder.scale='imagenet'"]),
        (SAM_VIT_B, WeightsUse(fit="squash"), ["by 'pad', here by 'squash': set sam_fit='pad'"]),
        (MEDSAM_VIT_B, WeightsUse(fit="squash"), []),
        (LITE_MEDSAM, WeightsUse("minmax", "pad", frozenset({"box"}), 1), []),
        (LITE_MEDSAM, WeightsUse(prompts=frozenset({"box", "mask"})), ["box prompts only, and are given mask as well"]),
        (
            LITE_MEDSAM,
            WeightsUse("imagenet", "squash", ALL, 3),
            ["scale='minmax'", "'pad', here", "given mask and points", "multimask=False"],
        ),
        (LITE_MEDSAM, WeightsUse(), []),
    ],
)
def test_each_rule(profile, use, problems):
    if not problems:
        check_use(profile, use, "file.pth")
        return
    with pytest.raises(UserError) as error:
        check_use(profile, use, "file.pth", permission="allow=True")
    text = str(error.value)
    assert text.count("\n  - ") == len(problems)
    assert all(problem in text for problem in problems)
    assert "set allow=True if this is on purpose" in text


@pytest.fixture
def saved(tmp_path):
    """Writes a tiny SAM under a name and returns the config of the SAM that loads it."""

    def save(name, scale):
        sam = tiny_sam()
        sam["image_encoder"]["scale"] = scale
        torch.save(MODELS.build(sam).state_dict(), tmp_path / name)
        return dict(sam, checkpoint=str(tmp_path / name))

    return save


def test_a_refiner_gives_published_weights_the_prompts_that_they_know(saved):
    sam = saved("lite_medsam.pth", "minmax")
    with pytest.raises(UserError, match=r"(?s)box prompts only.*mask and points.*one mask.*allow_profile_change=True"):
        REFINERS.build(tiny_refiner(sam=sam))
    box = dict(box=dict(type="BoxPromptGenerator"), points=None)
    REFINERS.build(tiny_refiner(sam=sam, prompts=box, multimask=False))
    with pytest.raises(UserError, match="multimask=False"):
        REFINERS.build(tiny_refiner(sam=sam, prompts=box))
    REFINERS.build(tiny_refiner(sam=saved("sam_vit_b_01ec64.pth", "imagenet")))
    REFINERS.build(tiny_refiner(sam=saved("own.pth", "imagenet")))


def test_permission_turns_the_error_into_a_warning(saved, monkeypatch):
    logged = []
    monkeypatch.setattr(rules, "print_log", lambda text, **options: logged.append((text, options["level"])))
    refiner = REFINERS.build(tiny_refiner(sam=saved("lite_medsam.pth", "minmax"), allow_profile_change=True))
    ((text, level),) = logged
    assert "given mask and points as well" in text
    assert "Allowed by allow_profile_change=True" in text
    assert level == logging.WARNING
    # It is a permission, and no part of what a checkpoint takes for granted.
    assert "allow_profile_change" not in str(refiner.input_contract())


def test_a_refiner_that_was_trained_is_not_judged(saved, tmp_path):
    sam = saved("lite_medsam.pth", "minmax")
    trained = REFINERS.build(tiny_refiner(sam=sam, allow_profile_change=True))
    state = {f"refiner.{key}": value for key, value in trained.state_dict().items()}
    meta = dict(input_contract=trained.input_contract(), trained_on=[], profiles={})
    torch.save(dict(state_dict=state, meta=meta), tmp_path / "best.pth")
    REFINERS.build(tiny_refiner(sam=sam, checkpoint=str(tmp_path / "best.pth")))


def test_no_scale_but_their_own(saved):
    sam = saved("medsam_vit_b.pth", "minmax")
    MODELS.build(sam)
    sam["image_encoder"]["scale"] = "imagenet"
    with pytest.raises(UserError, match=r"weights of MedSAM.*\n.*scaled 'minmax', but this SAM scales them 'imagenet'"):
        MODELS.build(sam)
    sam = saved("sam_vit_b_01ec64.pth", "minmax")
    with pytest.raises(UserError, match=r"(?s)weights of SAM ViT-B.*image_encoder.scale='imagenet'"):
        MODELS.build(sam)


def test_weights_without_an_encoder_say_so_and_what_they_have_seen(tmp_path):
    path = tmp_path / "UltraSam.pth"
    torch.save({}, path)
    with pytest.raises(UserError, match=r"UltraSam, for which this toolkit has no image encoder.*seen busi, busbra"):
        MODELS.build(tiny_sam(checkpoint=str(path)))
