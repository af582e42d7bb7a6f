"""A segmentation is read back with pydicom, and holds the masks and what they belong to."""

import numpy as np
import pydicom
import pytest

from ultraref.datasets.dicom_segmentation import write_segmentation
from ultraref.datasets.readers import open_source
from ultraref.errors import UserError
from ultraref.testing.dicom_files import write_dicom

pytestmark = pytest.mark.filterwarnings("ignore:The string")


def make_masks(count: int, shape=(21, 31)) -> list[np.ndarray]:
    rng = np.random.default_rng(count)
    return [rng.integers(0, 2, shape, dtype=np.uint8) * np.uint8(255) for _ in range(count)]


def test_an_image_gets_one_frame(tmp_path):
    source = write_dicom(tmp_path / "us.dcm", np.zeros((21, 31), np.uint8))
    (mask,) = make_masks(1)
    write_segmentation(source, [mask], tmp_path / "out" / "seg.dcm")
    image, written = pydicom.dcmread(source), pydicom.dcmread(tmp_path / "out" / "seg.dcm")
    np.testing.assert_array_equal(written.pixel_array, mask // 255)
    assert written.Modality == "SEG"
    assert (written.StudyInstanceUID, written.PatientID) == (image.StudyInstanceUID, "phantom")
    assert written.SeriesInstanceUID != image.SeriesInstanceUID
    referred = written.PerFrameFunctionalGroupsSequence[0].DerivationImageSequence[0].SourceImageSequence[0]
    assert referred.ReferencedSOPInstanceUID == image.SOPInstanceUID
    assert not [path for path in (tmp_path / "out").iterdir() if path.name != "seg.dcm"]


@pytest.mark.parametrize("colour", [False, True])
def test_a_cine_loop_keeps_its_frames_and_their_order(tmp_path, colour):
    source = write_dicom(tmp_path / "us.dcm", np.zeros((5, 21, 31) + (3,) * colour, np.uint8))
    masks = make_masks(5)
    masks[2][:] = 0
    write_segmentation(source, masks, tmp_path / "seg.dcm")
    written = pydicom.dcmread(tmp_path / "seg.dcm")
    np.testing.assert_array_equal(written.pixel_array, np.stack(masks) // 255)
    groups = written.PerFrameFunctionalGroupsSequence
    numbers = [g.DerivationImageSequence[0].SourceImageSequence[0].ReferencedFrameNumber for g in groups]
    assert numbers == [1, 2, 3, 4, 5]
    assert [list(g.FrameContentSequence[0].DimensionIndexValues) for g in groups] == [[1, k] for k in numbers]
    assert {
        item.ReferencedSOPClassUID
        for item in (
            written.SourceImageSequence[0],
            written.ReferencedSeriesSequence[0].ReferencedInstanceSequence[0],
            groups[4].DerivationImageSequence[0].SourceImageSequence[0],
        )
    } == {pydicom.uid.UltrasoundMultiFrameImageStorage}
    # Our own reader takes it, too: as a stack of binary frames.
    with open_source(tmp_path / "seg.dcm") as opened:
        np.testing.assert_array_equal(opened.frame(4), masks[4])


def test_an_anonymised_file_without_names_is_enough(tmp_path):
    source = write_dicom(
        tmp_path / "us.dcm", np.zeros((21, 31), np.uint8), PatientName=None, PatientID=None, StudyID=None
    )
    write_segmentation(source, make_masks(1), tmp_path / "seg.dcm")
    assert pydicom.dcmread(tmp_path / "seg.dcm").PatientID == ""


@pytest.mark.parametrize(
    ("masks", "attributes", "message"),
    [
        (make_masks(2), {}, r"us\.dcm: has 1 frames.*2 masks"),
        (make_masks(1, (31, 21)), {}, r"us\.dcm.*21 x 31.*31 x 21"),
        (make_masks(1), {"StudyInstanceUID": None}, r"us\.dcm: lacks StudyInstanceUID"),
    ],
)
def test_what_does_not_fit_is_refused_and_nothing_is_written(tmp_path, masks, attributes, message):
    source = write_dicom(tmp_path / "us.dcm", np.zeros((21, 31), np.uint8), **attributes)
    with pytest.raises(UserError, match=message):
        write_segmentation(source, masks, tmp_path / "seg.dcm")
    assert not (tmp_path / "seg.dcm").exists()
