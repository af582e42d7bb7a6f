"""The cases that refinement makes worse, each as a picture with its prompts."""

from pathlib import Path

from mmengine.config import Config

from ultraref.apis.analyse.visualize_case import visualize_cases
from ultraref.atomic import write_json
from ultraref.errors import UserError
from ultraref.evaluation.case_table import read_cases
from ultraref.evaluation.harm import worst_cases


def draw_failures(
    cfg: Config,
    checkpoint: str | None,
    run: str | Path,
    out: str | Path,
    lost: float = 0.05,
    split: str = "test",
    device: str | None = None,
) -> list[str]:
    """Draws every case of a test whose Dice falls by more than `lost`, the worst first, as `draw_case` does.

    Args:
        cfg: the config of the test.
        checkpoint: that was tested; None takes the weights that the config names.
        run: work directory of the test, or its metrics.csv.
        out: folder for 001_NAME.png and so on, and failures.json, which says of each case what Dice was and became.
        lost: fall of Dice, 0.05 being five points.
        split: the loader of the config that has the images.
        device: by default CUDA where there is one.

    Returns:
        The names of the cases.

    Raises:
        FileNotFoundError: there is no table of cases, checkpoint or image.
        UserError: the table is of a model without refinement, `lost` isn't in [0, 1), or an image isn't in the config's data.
    """
    if not 0 <= lost < 1:
        raise UserError(f"--lost is {lost}; it is a fall of Dice, in [0, 1), such as 0.05 for five points")
    path = Path(run) / "metrics.csv" if Path(run).is_dir() else Path(run)
    rows = read_cases(path)
    failed = [row for row in worst_cases(rows, len(rows)) if row["delta_dice"] < -lost]
    out = Path(out)
    out.mkdir(parents=True, exist_ok=True)
    pictures = {
        row["name"]: out / f"{place:03d}_{row['name'].replace('/', '_')}.png" for place, row in enumerate(failed, 1)
    }
    visualize_cases(cfg, checkpoint, pictures, split, device)
    told = (
        "name",
        "coarse_dice",
        "refined_dice",
        "sam_dice",
        "delta_dice",
        "predicted_dice_coarse",
        "predicted_dice_sam",
        "predicted_harm",
    )
    write_json(
        out / "failures.json",
        dict(
            run=str(path),
            images=len(rows),
            lost=lost,
            cases=[{key: row.get(key) for key in told if row.get(key) is not None} for row in failed],
        ),
    )
    return list(pictures)
