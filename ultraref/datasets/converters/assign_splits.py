"""Deals groups of images out to the test set and the folds.

Everything is decided by sha256 of the seed and names, and by whole numbers, so that a split is the same on every
machine and with every version of every package; random generators don't promise that.
"""

import hashlib
from collections import Counter

TEST = "test"


def shuffled(names: list[str], seed: int) -> list[str]:
    """Returns the names in an order that depends on the seed and the names alone."""
    return sorted(names, key=lambda name: hashlib.sha256(f"{seed}/{name}".encode()).digest())


def assign_plain(names: list[str], seed: int, num_folds: int, test_percent: int) -> dict[str, str | int]:
    """The plain seeded split: each image by itself.

    Returns:
        "test" or the fold, by name.
    """
    order = shuffled(names, seed)
    num_test = _rounded_percent(len(order), test_percent)
    return {name: TEST if place < num_test else place % num_folds for place, name in enumerate(order)}


def assign_grouped(
    groups: dict[str, str], strata: dict[str, str], seed: int, num_folds: int, test_percent: int
) -> dict[str, str | int]:
    """Keeps groups whole and deals every stratum out evenly, as far as the groups allow.

    Groups are dealt out one by one, the largest first, equally large ones in seeded order. Each goes to the part (test
    or a fold) that lacks most of the group's strata, relative to the part's target.

    Args:
        groups: group of each image, by name.
        strata: stratum of each image (such as class and lesion size), by name.
        seed: seed of the order.
        num_folds: number of folds.
        test_percent: share of test images; the rest is dealt to the folds in equal shares.

    Returns:
        "test" or the fold, by name.
    """
    members: dict[str, list[str]] = {}
    for name in sorted(groups):
        members.setdefault(groups[name], []).append(name)
    order = shuffled(list(members), seed)
    order.sort(key=lambda group: -len(members[group]))  # stable
    parts: list[str | int] = [TEST, *range(num_folds)]
    # Shares as whole numbers over one denominator, 100 num_folds.
    shares = {part: test_percent * num_folds if part == TEST else 100 - test_percent for part in parts}
    totals, filled = Counter(strata.values()), {part: Counter() for part in parts}
    sizes = dict.fromkeys(parts, 0)
    assignment = {}
    for group in order:
        wanted = Counter(strata[name] for name in members[group])

        def lack(part, wanted=wanted):
            # Targets and counts times 100 num_folds; divided by the share they are comparable between parts.
            unit = 100 * num_folds
            strata_lack = sum(n * (totals[s] * shares[part] - filled[part][s] * unit) for s, n in wanted.items())
            size_lack = len(groups) * shares[part] - sizes[part] * unit
            return (
                (strata_lack * 10**9 // shares[part], size_lack * 10**9 // shares[part])
                if shares[part]
                else (-(10**30), 0)
            )

        part = max(parts, key=lack)  # the first of equals
        for name in members[group]:
            assignment[name] = part
        filled[part] += wanted
        sizes[part] += len(members[group])
    return assignment


def size_strata(categories: dict[str, str | None], areas: dict[str, int]) -> dict[str, str]:
    """Returns "class/third" by name: the third of the lesion size within the class, ties by name.

    Args:
        categories: class by name.
        areas: lesion size by name, in any whole unit that is comparable between images.
    """
    strata = {}
    for category in set(categories.values()):
        order = sorted(
            (name for name in categories if categories[name] == category), key=lambda name: (areas[name], name)
        )
        for place, name in enumerate(order):
            strata[name] = f"{category}/{3 * place // len(order)}"
    return strata


def _rounded_percent(count: int, percent: int) -> int:
    return (2 * count * percent + 100) // 200
