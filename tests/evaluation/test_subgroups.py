"""Which columns part a table of cases, and how."""

from ultraref.evaluation.subgroups import by_value, subgroups


def make_rows(count=16, **columns):
    return [
        dict(dataset="x", name=f"i{n}", lesion_area=float(10 * (n + 1)), **{k: f(n) for k, f in columns.items()})
        for n in range(count)
    ]


def test_few_valued_columns_do_and_names_numbers_and_notes_do_not():
    rows = make_rows(
        case_class=lambda n: "benign" if n % 2 else "malignant",
        case_device=lambda n: f"d{n % 3}",
        case_birads=lambda n: None if n == 5 else str(2 + n % 4),
        case_histology=lambda n: f"kind {n % 4}",
        case_split=lambda n: "test",
        case_patient=lambda n: f"p{n % 4}",
        case_path=lambda n: f"x/{n}",
        case_lesion_area=lambda n: str(n % 2),
        case_bbox=lambda n: str(n % 2),
        case_note=lambda n: f"seen by {n}",
        case_visit=lambda n: f"v{n % 9}",
    )
    found = subgroups(rows)
    assert list(found) == ["lesion_area", "case_birads", "case_class", "case_device", "case_histology"]
    assert [len(part) for part in found["lesion_area"].values()] == [4, 4, 4, 4]
    assert {label: len(part) for label, part in found["case_birads"].items()} == {
        "2": 4,
        "3": 3,
        "4": 4,
        "5": 4,
        "unknown": 1,
    }


def test_values_are_in_the_order_of_the_numbers_in_them():
    rows = make_rows(6, case_birads=lambda n: ["10", "4B", "4A", "2", None, "unknown"][n])
    assert list(by_value(rows, "case_birads")) == ["2", "4A", "4B", "10", "unknown"]
    assert len(by_value(rows, "case_birads")["unknown"]) == 2


def test_one_size_is_no_part():
    assert subgroups([dict(dataset="x", name="a", lesion_area=5.0)] * 4) == {}
