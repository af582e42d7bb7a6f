import pytest

from ultraref.datasets.coco_records import RecordError, read_categories, read_count, read_id


@pytest.mark.parametrize("value", [7, 7.0, "7", " 7 ", "7.0", "07"])
def test_ids_of_all_programs_are_one(value):
    assert read_id(value, "id") == "7"


@pytest.mark.parametrize("value", ["case-7", "7a", "7.5"])
def test_ids_may_be_text(value):
    assert read_id(value, "id") == value


@pytest.mark.parametrize("value", [None, "", " ", True, 7.5, [7], {}, "x" * 5000])
def test_other_ids_are_refused(value):
    with pytest.raises(RecordError, match=r"^id is .{1,80}; it must be"):
        read_id(value, "id")


def test_sizes_of_all_programs_are_one():
    assert [read_count(value, "height") for value in (48, 48.0, "48", "48.0")] == [48] * 4
    for value in (0, -1, 48.5, "large", None, True, 10**6, [48], "1e9"):
        with pytest.raises(RecordError, match=r"^its height is"):
            read_count(value, "height")


def test_categories():
    names, problems = read_categories([{"id": 1, "name": "a"}, {"id": "2", "name": "b"}, {"id": 3.0, "name": "a"}])
    assert (names, problems) == ({"1": "a", "2": "b", "3": "a"}, [])
    names, problems = read_categories(
        [
            None,
            {"name": "x"},
            {"id": 1, "name": ""},
            {"id": 2, "name": "b"},
            {"id": 2, "name": "c"},
            {"id": 4, "name": "d"},
        ]
    )
    assert names == {"4": "d"}
    assert [str(problem).split(":")[0] for problem in problems] == [f"category number {n}" for n in (1, 2, 3, 5)]
    assert read_categories(None) == ({}, [])
    assert len(read_categories("x")[1]) == 1
