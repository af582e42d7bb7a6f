import numpy as np

from ultraref.datasets.mask_errors import PRESETS
from ultraref.datasets.mask_errors.gallery import FALSE, KEPT, MISSED, contact_sheet, dice_by_type, dice_histogram


def test_contact_sheet_shows_all_types_and_colours(round_lesion):
    sheet = contact_sheet([round_lesion], columns=4, tile=64)
    assert sheet.dtype == np.uint8
    assert sheet.shape == (12 * (64 + 4 + 18) + 4, 4 * (64 + 4) + 4, 3)
    colours = {tuple(colour) for colour in sheet.reshape(-1, 3).tolist()}
    assert {KEPT, MISSED, FALSE} <= colours


def test_dice_by_type_counts_every_mask_and_draw(round_lesion):
    scores = dice_by_type([round_lesion, round_lesion[:, ::-1].copy()], draws=3)
    assert list(scores) == list(PRESETS["default"])
    for values in scores.values():
        assert {key: value.shape for key, value in values.items()} == dict.fromkeys(values, (6,))
    # 2 |gt| / (|gt| + r |gt|) for a lesion inside the prediction; r in [1.2, 3].
    over = scores["OverSegmentation"]["primary"]
    assert over.min() >= 2 / 4
    assert over.max() <= 2 / 2.2
    assert (scores["NoiseScatter"]["primary"] == 0).all()
    assert not scores["Shift"]["fallback"].any()


def test_histogram_has_one_panel_for_each_type(round_lesion, tmp_path):
    figure = dice_histogram(dice_by_type([round_lesion]))
    assert [axis.get_title().split(",")[0] for axis in figure.axes] == list(PRESETS["default"])
    figure.savefig(tmp_path / "dice.png")
    assert (tmp_path / "dice.png").stat().st_size > 1000
