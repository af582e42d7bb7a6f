import pytest

from ultraref.datasets.converters.assign_splits import TEST
from ultraref.datasets.converters.given_parts import TRAIN, deal_training, part_of
from ultraref.errors import UserError


@pytest.mark.parametrize(
    ("word", "part"),
    [("Train", TRAIN), ("valid", 0), ("val", 0), ("test", TEST), ("3", 3), ("fold_2", 2), ("fold 10", 10)],
)
def test_words(word, part):
    assert part_of(word, "a.csv: line 2") == part


def test_an_unknown_word_is_refused():
    with pytest.raises(UserError, match=r"a\.csv: line 2: the split is 'holdout'; it may be train"):
        part_of("holdout", "a.csv: line 2")


def test_training_images_go_to_the_folds_that_are_free():
    names = [f"n{number:02d}" for number in range(16)]
    given = {name: 0 if place < 3 else TEST if place < 8 else TRAIN for place, name in enumerate(names)}
    groups = {name: names[8] if name in (names[8], names[9]) else name for name in names}
    parts = deal_training(given, groups, dict.fromkeys(names, "x"), 0, 5)
    assert {name: parts[name] for name in names[:8]} == {name: given[name] for name in names[:8]}
    assert sorted(parts[name] for name in names[8:]) == [1, 1, 2, 2, 3, 3, 4, 4]
    assert parts[names[8]] == parts[names[9]]


def test_a_split_that_is_whole_stays_as_it_is():
    given = {"a": 0, "b": 1, "c": TEST}
    assert deal_training(given, {}, {}, 0, 5) == given


def test_where_no_fold_is_free_there_is_one_more():
    given = {"a": 0, "b": 1, "c": TRAIN}
    same = {name: name for name in given}
    assert deal_training(given, same, same, 0, 2)["c"] == 2
