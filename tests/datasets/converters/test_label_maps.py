import numpy as np
import pytest

from ultraref.datasets.converters.label_maps import labels_in, mask_of_labels
from ultraref.errors import UserError


def test_labels_are_the_values_over_0():
    values = np.array([[0, 7], [2, 2]], np.int16)
    assert labels_in(values, "x") == ["2", "7"]
    assert labels_in(values == 2, "x") == ["1"]
    assert labels_in((values == 2).astype(np.float32), "x") == ["1"]
    assert labels_in(values * 0, "x") == []
    np.testing.assert_array_equal(mask_of_labels(values, ["7"], "x"), [[0, 1], [0, 0]])
    np.testing.assert_array_equal(mask_of_labels(values, ["7", "2"], "x"), [[0, 1], [1, 1]])


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (np.zeros((4, 4, 3), np.uint8), "in colour"),
        (np.full((4, 4), 0.5), "broken values, 0.5 to 0.5"),
        (np.full((4, 4), -1), "negative values, down to -1"),
        (np.arange(100).reshape(10, 10), "100 different values"),
    ],
)
def test_what_is_no_label_map(values, message):
    with pytest.raises(UserError, match=message):
        labels_in(values, "x")
