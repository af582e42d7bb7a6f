"""The parts that a source has dealt its images to already: folders named train, valid and test, or a column of a table."""

import re
from collections.abc import Mapping

from ultraref.datasets.converters.assign_splits import TEST, assign_grouped
from ultraref.errors import UserError

# In place of a fold: a training image that no fold of the source holds out.
TRAIN = "train"
# The source's validation images are what this fold holds out, so that training with it is training on the source's own split.
VALID_FOLD = 0
WORDS = {
    "train": TRAIN,
    "training": TRAIN,
    "valid": VALID_FOLD,
    "val": VALID_FOLD,
    "validation": VALID_FOLD,
    "dev": VALID_FOLD,
    "test": TEST,
    "testing": TEST,
}


def part_of(word: str, where: str) -> str | int:
    """Returns "test", "train" or a fold, from 0 up, for what a source calls a part: a word of `WORDS`, a number, "fold 2" or "fold_2".

    Raises:
        UserError: it is none of these.
    """
    key = word.strip().lower()
    number = re.fullmatch(r"(?:fold[ _-]?)?(\d{1,3})", key)
    if key not in WORDS and number is None:
        raise UserError(
            f"{where}: the split is {word!r}; it may be {', '.join(WORDS)}, or the number of a fold from 0 up"
        )
    return int(number[1]) if number else WORDS[key]


def deal_training(
    given: Mapping[str, str | int], groups: Mapping[str, str], strata: Mapping[str, str], seed: int, num_folds: int
) -> dict[str, str | int]:
    """Returns the parts with every "train" dealt to the folds that the source doesn't name.

    Args:
        given: "test", "train" or the fold, by name.
        groups, strata: by name, see `assign_grouped`.
        seed: of the order.
        num_folds: folds in all, those of the source among them; one more than its last where that leaves none.
    """
    open_names = [name for name, part in given.items() if part == TRAIN]
    if not open_names:
        return dict(given)
    taken = {part for part in given.values() if isinstance(part, int)}
    free = [fold for fold in range(max([num_folds, *(fold + 1 for fold in taken)])) if fold not in taken]
    free = free or [max(taken) + 1]
    dealt = assign_grouped(
        {name: groups[name] for name in open_names},
        {name: strata[name] for name in open_names},
        seed,
        len(free),
        test_percent=0,
    )
    return {name: free[dealt[name]] if part == TRAIN else part for name, part in given.items()}
