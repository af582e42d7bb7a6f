"""The text that a protocol ends with."""

from ultraref.protocol.summary import text_of

MEANS = dict(dice=0.5, iou=0.4, precision=0.5, recall=0.5, accuracy=0.9)
DELTA = dict(dice=0.02, iou=0.01, precision=0.0, recall=0.0, accuracy=0.0)
MODEL = dict(
    n_test=5,
    coarse=MEANS,
    refined={**MEANS, "dice": 0.52},
    delta=DELTA,
    delta_dice_ci95=[0.01, 0.03],
    helped=0.6,
    harmed=0.2,
    worst=-0.13,
)


def test_the_main_model_has_a_table_and_each_other_a_line():
    coarse = dict(n_test=5, coarse=MEANS)
    lines = text_of({"gated_busi_fold0": MODEL, "sam_busi_fold0": MODEL, "unet_busi_fold0": coarse}, "gated_busi_fold0")
    lines = lines.splitlines()
    assert lines[0] == "gated_busi_fold0: 5 test images"
    assert "Dice difference: +0.0200, 95 % bootstrap interval +0.0100 to +0.0300" in lines
    assert "Dice rises by more than 0.01 in 60 % of the images and falls by more in 20 %, at worst by 0.13" in lines
    assert lines[-2:] == [
        "sam_busi_fold0: Dice 0.5000 to 0.5200 (+0.0200, interval +0.0100 to +0.0300), 20 % harmed, at worst by 0.13",
        "unet_busi_fold0: Dice 0.5000, 5 test images",
    ]


def test_a_hundred_models_fit_on_a_screen():
    lines = text_of({f"run{n}": MODEL for n in range(100)}, "run0").splitlines()
    # With the table of steps, of at most 30 lines, under 120 in a log file.
    assert len(lines) < 40
    assert lines[-1] == "and 75 more in summary.json"
