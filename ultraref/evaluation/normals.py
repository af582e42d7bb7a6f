"""False alarms: what a model finds in images that have no lesion. They are no part of any mean over lesions."""

from collections.abc import Mapping, Sequence

import numpy as np

from ultraref.evaluation.case import GROUPS, Case
from ultraref.evaluation.statistics import bootstrap_mean_ci, resampling_of

# Metrics of each group: the share of normals with any lesion pixel, and the mean of the pixels that are found in them.
ALARMS, FALSE_AREA = "normal_alarms", "normal_false_area"


def measure_normal(case: Case) -> dict[str, object]:
    """Returns GROUP_false_area, the pixels that are found, and GROUP_false_share, their share of the image, of each group."""
    columns: dict[str, object] = {}
    for group, mask in case.masks.items():
        area = case.found_area(group)
        columns[f"{group}_false_area"], columns[f"{group}_false_share"] = area, area / mask.numel()
    return columns


def summarise_normals(rows: Sequence[Mapping]) -> dict[str, float]:
    """Returns "GROUP/normal_alarms", its interval and "GROUP/normal_false_area" of the table of normals; nothing of an empty one.

    The interval, normal_alarms_ci95_low and _high, is a bootstrap's over patients or groups, as those of the other metrics.
    """
    summary: dict[str, float] = {}
    for group in groups_of(rows):
        areas = np.array([row[f"{group}_false_area"] for row in rows], dtype=float)
        alarms = (areas > 0).astype(float)
        summary[f"{group}/{ALARMS}"] = float(alarms.mean())
        low, high = bootstrap_mean_ci(alarms, groups=resampling_of(rows).groups)
        summary[f"{group}/{ALARMS}_ci95_low"], summary[f"{group}/{ALARMS}_ci95_high"] = low, high
        summary[f"{group}/{FALSE_AREA}"] = float(areas.mean())
    return summary


def describe_normals(rows: Sequence[Mapping]) -> list[str]:
    """Says it in a line for each group."""
    summary = summarise_normals(rows)
    return [
        f"Normals, {group}: something is found in {100 * summary[f'{group}/{ALARMS}']:.1f} % of {len(rows)} images without a lesion "
        f"(95 % interval {100 * summary[f'{group}/{ALARMS}_ci95_low']:.1f} to {100 * summary[f'{group}/{ALARMS}_ci95_high']:.1f}), "
        f"{summary[f'{group}/{FALSE_AREA}']:.1f} pixels on average"
        for group in groups_of(rows)
    ]


def groups_of(rows: Sequence[Mapping]) -> list[str]:
    """Returns those of GROUPS that a table of normals has."""
    return [group for group in GROUPS if any(f"{group}_false_area" in row for row in rows)]
