import pytest

from ultraref.datasets.converters.named_parts import sample_fields, spacing_of
from ultraref.errors import UserError


def test_a_video_is_known_within_its_patient_and_study():
    assert sample_fields({"patient": "P1", "study": "S", "video": "2", "frame": "img_007"}, "x") == {
        "patient": "p1",
        "study": "p1/s",
        "video": "p1/s/2",
        "frame": 7,
        "attributes": {},
    }
    assert sample_fields({"video": "2"}, "x")["video"] == "2"


def test_what_fills_no_field_is_an_attribute_and_empty_text_is_nothing():
    fields = sample_fields({"device": " GE ", "side": "both", "frame": "last", "class": "", "patient": None}, "x")
    assert fields == {"attributes": {"device": "GE", "side": "both", "frame": "last"}}
    assert sample_fields({"side": "R"}, "x")["side"] == "right"


@pytest.mark.parametrize("text", ["0", "nan", "inf", "-0.1", "thin", ""])
def test_a_spacing_that_is_no_positive_number(text):
    with pytest.raises(UserError, match="line 3: the pixel spacing is"):
        spacing_of("0.1", text, "line 3")


def test_a_spacing_of_rows_and_columns():
    assert spacing_of("0.1", "0.2", "x") == (0.1, 0.2)
