"""What one user does, without a browser."""

import base64
import io
import json

import cv2
import numpy as np
import pytest
from PIL import Image

from ultraref.apis.demo.gate_choice import GateChoice
from ultraref.apis.demo.session import Session
from ultraref.apis.demo.view import MAX_SIDE, answer_view, image_view
from ultraref.errors import UserError
from ultraref.testing.dicom_files import make_dicom, ultrasound_region


def png(height=60, width=80, **options):
    buffer = io.BytesIO()
    Image.fromarray(np.full((height, width), 90, np.uint8)).save(buffer, "PNG", **options)
    return buffer.getvalue()


def read_mask(session):
    return cv2.imdecode(
        np.frombuffer(session.mask_png(), np.uint8), cv2.IMREAD_UNCHANGED | cv2.IMREAD_IGNORE_ORIENTATION
    )


def test_a_box_becomes_a_mask(session):
    session.open(png(), "case 1.png")
    assert session.answer is None
    session.set_box(40, 30, 10, 20)  # from any corner
    mask = np.zeros((60, 80), np.uint8)
    mask[20:31, 10:41] = 255
    np.testing.assert_array_equal(read_mask(session), mask)
    row = session.measurements()
    assert (row["area_px"], row["lesions"], row["predicted_iou"]) == (31 * 11, 1, 0.75)
    assert (row["name"], row["file"], row["area_mm2"]) == ("case 1", "case 1.png", "")
    assert row["spacing_note"]


def test_the_best_of_several_guesses_is_kept(session, model):
    session.open(png(), "a.png")
    session.add_point(40, 30, 1)
    assert len(model.asked[-1]) == 5
    assert session.answer.asked == model.asked[-1][2]


def test_undo_goes_back_step_by_step(session):
    session.open(png(), "a.png")
    session.set_box(10, 10, 30, 30)
    first = read_mask(session)
    session.add_point(60, 50, 1)
    session.paint([(20, 20), (40, 20)], 3)
    session.clear()
    assert session.answer is None
    for expected in ((1, True), (1, False), (0, False)):
        session.undo()
        assert (len(session.question.points), session.question.coarse is not None) == expected
    np.testing.assert_array_equal(read_mask(session), first)
    session.undo()
    assert session.answer is None
    assert not session.can_undo
    session.undo()


def test_paint_erase_and_gate(session):
    session.open(png(), "a.png")
    session.paint([(20, 30), (60, 30)], 5)
    coarse = session.question.coarse
    assert coarse[30, 20:61].all()
    # A bar of 41 x 10 px with round ends, to a pixel around.
    assert abs(int(coarse.sum()) - (40 * 10 + np.pi * 25)) <= 2 * (40 + np.pi * 5)
    assert session.measurements()["changed_px"] == 0
    session.set_box(0, 0, 9, 9)
    session.gate = GateChoice("constant", 0.0)
    np.testing.assert_array_equal(session.mask(), coarse)
    session.gate = GateChoice("constant", 1.0)
    assert session.mask().sum() == 100
    session.clear()
    session.paint([(20, 30)], 5)
    session.paint([(20, 30)], 8, erase=True)
    # Nothing is left, so there is nothing to answer.
    assert session.answer is None


def test_a_coarse_mask_from_a_file(session, tmp_path):
    session.open(png(), "a.png")
    session.set_box(10, 10, 30, 30)
    mask = np.zeros((60, 80), np.uint8)
    mask[5:15, 5:25] = 255
    cv2.imwrite(str(tmp_path / "mask.png"), mask)
    session.load_coarse(tmp_path / "mask.png")
    assert session.question.box is None
    np.testing.assert_array_equal(read_mask(session), mask)
    cv2.imwrite(str(tmp_path / "other.png"), mask[1:])
    with pytest.raises(UserError, match=r"59 x 80 .* 60 x 80"):
        session.load_coarse(tmp_path / "other.png")
    np.testing.assert_array_equal(read_mask(session), mask)


def test_the_mask_lies_in_the_files_own_frame(session):
    exif = Image.Exif()
    exif[0x0112] = 6  # stored turned: shown, it is 80 high and 60 wide
    session.open(png(exif=exif), "turned.png")
    assert session.image.shape == (80, 60)
    session.set_box(0, 0, 19, 9)  # upper left as shown
    stored = Image.open(io.BytesIO(session.mask_png()))
    assert stored.size == (80, 60)
    assert stored.getexif()[0x0112] == 6
    # Orientation 6: the stored lower left is shown at the upper left.
    expected = np.zeros((60, 80), np.uint8)
    expected[40:, :10] = 255
    np.testing.assert_array_equal(np.asarray(stored), expected)


def test_dicom_has_its_area_in_mm2_and_its_frames(session):
    pytest.importorskip("pydicom")
    buffer = io.BytesIO()
    frames = np.stack([np.full((60, 80), value, np.uint8) for value in (50, 200)])
    make_dicom(frames, SequenceOfUltrasoundRegions=[ultrasound_region(0.01, 0.02)]).save_as(
        buffer, enforce_file_format=True
    )
    session.open(buffer.getvalue(), "cine")
    session.set_box(0, 0, 9, 9)
    # 100 pixels of 0.1 mm x 0.2 mm.
    assert session.measurements()["area_mm2"] == pytest.approx(2.0)
    session.show_frame(1)
    assert (session.name, int(session.image[0, 0]), session.answer) == ("cine_f0001", 200, None)
    with pytest.raises(UserError, match="frames 0 to 1"):
        session.show_frame(2)


def test_json_says_what_was_asked(session):
    session.open(png(), "a.png")
    session.set_box(10, 20, 40, 30)
    session.add_point(20, 25, 1)
    record = json.loads(session.to_json())
    assert record["given"] == dict(points=[[20, 25, 1]], box=[10, 20, 40, 30], coarse_mask=False)
    assert record["asked"]["box"] == [10, 20, 40, 30]
    assert record["measurements"]["area_px"] == 31 * 11
    assert record["gate"] == dict(kind="model", cap=1.0)
    assert record["model"] == "foretold"


@pytest.mark.parametrize(
    ("action", "message"),
    [
        (lambda s: s.add_point(None, 3, 1), "expected 1 to 1 places"),
        (lambda s: s.add_point(float("nan"), 3, 1), "expected"),
        (lambda s: s.add_point(3, 3, 2), "label"),
        (lambda s: s.add_point(3, 3, [1]), "label"),
        (lambda s: s.set_box(3, 3, 3, 9), "no area"),
        (lambda s: s.set_box("a", 3, 3, 9), "expected"),
        (lambda s: s.paint([], 3), "expected"),
        (lambda s: s.paint([[1, 2]] * 6000, 3), "expected"),
        (lambda s: s.paint([[1, 2]], 1e9), "radius"),
        (lambda s: s.paint([[1, 2]], None), "radius"),
        (lambda s: s.mask_png(), "no mask yet"),
        (lambda s: s.show_frame(1), "several frames"),
        (lambda s: s.open(png(500, 500), "large.png"), "200,?000|200000"),
        (lambda s: s.open(b"GIF89a", "a.gif"), "a GIF"),
    ],
)
def test_what_a_browser_may_send_is_checked_and_changes_nothing(session, action, message):
    session.open(png(), "a.png")
    with pytest.raises(UserError, match=message):
        action(session)
    assert (session.name, session.can_undo, session.answer) == ("a", False, None)


def test_nothing_is_done_without_an_image(session):
    for action in (
        lambda: session.add_point(1, 1, 1),
        lambda: session.set_box(1, 1, 5, 5),
        lambda: session.paint([[1, 1]], 2),
        lambda: session.load_coarse("mask.png"),
    ):
        with pytest.raises(UserError, match="open an image first"):
            action()
    session.prepare()
    session.undo()
    session.clear()
    assert session.model.prepared == 0


def test_places_beside_the_image_come_to_its_edge(session):
    session.open(png(), "a.png")
    session.set_box(-5, -5, 500, 500)
    assert session.question.box == (0, 0, 79, 59)


def test_sessions_do_not_mix(model):
    one, other = Session(model, 10**5), Session(model, 10**5)
    one.open(png(), "one.png")
    other.open(png(30, 40), "other.png")
    one.set_box(0, 0, 5, 5)
    assert other.answer is None
    other.set_box(0, 0, 2, 2)
    assert (one.measurements()["area_px"], other.measurements()["area_px"]) == (36, 9)


def test_large_images_are_sent_at_the_size_of_a_screen(model):
    session = Session(model, 10**7)
    session.open(png(1000, 2560), "wide.png")
    session.set_box(0, 0, 1279, 999)
    image, view = image_view(session), answer_view(session)
    assert (image["width"], image["height"]) == (2560, 1000)
    refined = decode(view["layers"]["refined"])
    assert decode(image["image"]).shape == refined.shape == (500, MAX_SIDE)
    np.testing.assert_array_equal(refined[:, :640], round(255 * 0.9))
    assert view["layers"]["coarse"] is None
    assert view["asked"] is None


def decode(url):
    return cv2.imdecode(np.frombuffer(base64.b64decode(url.partition(",")[2]), np.uint8), cv2.IMREAD_UNCHANGED)
