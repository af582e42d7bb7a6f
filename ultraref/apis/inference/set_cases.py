"""What converted sets say of the images that are predicted: further columns of predictions.csv."""

import os
from pathlib import Path

from ultraref.datasets.case_file import CASES_NAME
from ultraref.datasets.splits import SPLITS_NAME, Splits
from ultraref.evaluation.case_table import case_columns


class SetCases:
    """Looks images up in the cases.csv of the sets that they lie in, which are read once each.

    An image lies in a set as a converter puts it there: ROOT/train/images/NAME.png or ROOT/test/images/NAME.png.
    """

    def __init__(self):
        self._sets: dict[Path, Splits | None] = {}

    def of(self, path: str | os.PathLike) -> dict[str, str]:
        """Returns `case_NAME`, as a test's table of cases has it, of each column that says something of the image; of one that is in no
        set, or in one without a cases.csv, nothing.

        Raises:
            UserError: splits.json or cases.csv of the set is damaged, or was changed by hand.
        """
        path = Path(path)
        # The folder may be a link to the set's, or be called from inside of it.
        folder = path.parent.resolve()
        if folder.name != "images" or len(folder.parents) < 2:
            return {}
        splits = self._read(folder.parents[1])
        entry = None if splits is None else splits.images.get(path.stem)
        if entry is None or (entry.split, ".png") != (folder.parent.name, path.suffix):
            return {}
        return case_columns(splits.describe(path.stem)["attributes"])

    def _read(self, root: Path) -> Splits | None:
        if root not in self._sets:
            is_set = (root / SPLITS_NAME).is_file() and (root / CASES_NAME).is_file()
            self._sets[root] = Splits.read(root) if is_set else None
        return self._sets[root]
