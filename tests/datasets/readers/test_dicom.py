"""DICOM: pixels, windows, colours, cine loops, compressions, spacing, and what is missing."""

import sys
import tracemalloc

import numpy as np
import pydicom
import pytest
from pydicom import uid
from pydicom.pixels import convert_color_space

from ultraref.datasets.image_io import decode_image
from ultraref.datasets.readers import PixelSpacing, open_source
from ultraref.errors import MissingLibraryError, UserError
from ultraref.testing.dicom_files import make_dicom, ultrasound_region, write_dicom

RNG = np.random.default_rng(0)
# Tall, so that rows and columns can't be mistaken, with an odd number of bytes.
GREY = RNG.integers(0, 256, (45, 33), dtype=np.uint8)
TWELVE = RNG.integers(0, 4096, (45, 33), dtype=np.uint16)
TWELVE_BITS = {"BitsStored": 12, "HighBit": 11}


def read(path, index=0):
    with open_source(path) as source:
        return source.frame(index)


@pytest.mark.parametrize("name", ["us.dcm", "us", "us.png", "1.2.840.113619.2.1"])
def test_grey_whatever_the_name(tmp_path, name):
    path = write_dicom(tmp_path / name, GREY)
    np.testing.assert_array_equal(read(path), GREY)
    np.testing.assert_array_equal(decode_image(path.read_bytes(), path), GREY)


@pytest.mark.parametrize("implicit", [True, False])
def test_without_the_preamble(tmp_path, implicit):
    dataset = make_dicom(GREY)
    del dataset.file_meta
    dataset.save_as(tmp_path / "us", implicit_vr=implicit, little_endian=True)
    np.testing.assert_array_equal(read(tmp_path / "us"), GREY)


def test_big_endian(tmp_path):
    dataset = make_dicom(TWELVE.byteswap(), **TWELVE_BITS)
    dataset.file_meta.TransferSyntaxUID = uid.ExplicitVRBigEndian
    dataset.save_as(tmp_path / "us.dcm", enforce_file_format=True)
    np.testing.assert_array_equal(read(tmp_path / "us.dcm"), np.rint(TWELVE / 4095 * 255))


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        (TWELVE_BITS, TWELVE / 4095),
        ({**TWELVE_BITS, "PhotometricInterpretation": "MONOCHROME1"}, 1 - TWELVE / 4095),
        # BitsStored decides, not the values that happen to be there.
        ({}, TWELVE / 65535),
        # PS3.3 C.11.2.1.2.1: ((x - (c - 0.5)) / (w - 1) + 0.5), of a window 1000 to 2000.
        ({**TWELVE_BITS, "WindowCenter": 1500, "WindowWidth": 1001}, (TWELVE - 1499.5) / 1000 + 0.5),
        ({**TWELVE_BITS, "WindowCenter": [1500, 9], "WindowWidth": [1001, 9]}, (TWELVE - 1499.5) / 1000 + 0.5),
        (
            {**TWELVE_BITS, "WindowCenter": 1500, "WindowWidth": 1000, "VOILUTFunction": "LINEAR_EXACT"},
            (TWELVE - 1500.0) / 1000 + 0.5,
        ),
        # The window is of values after the rescale.
        (
            {**TWELVE_BITS, "RescaleSlope": 2, "RescaleIntercept": -100, "WindowCenter": 1500, "WindowWidth": 1001},
            (2.0 * TWELVE - 100 - 1499.5) / 1000 + 0.5,
        ),
        ({**TWELVE_BITS, "RescaleSlope": 2, "RescaleIntercept": -100}, TWELVE / 4095),
        ({**TWELVE_BITS, "WindowCenter": None, "WindowWidth": None}, TWELVE / 4095),
    ],
)
def test_grey_values_become_0_to_255_by_the_standard(tmp_path, attributes, expected):
    attributes = {key: value for key, value in attributes.items() if value is not None}
    found = read(write_dicom(tmp_path / "us.dcm", TWELVE, **attributes))
    assert np.abs(found - np.clip(expected, 0, 1) * 255).max() <= 0.501


def test_signed_values(tmp_path):
    values = RNG.integers(-2048, 2048, (45, 33)).astype(np.int16)
    found = read(write_dicom(tmp_path / "us.dcm", values, **TWELVE_BITS))
    np.testing.assert_array_equal(found, np.rint((values + 2048.0) / 4095 * 255))


def test_a_voi_table(tmp_path):
    item = pydicom.Dataset()
    table = np.arange(255, -1, -1, dtype=np.uint16)
    item.LUTDescriptor, item.LUTData = [256, 0, 8], table.tolist()
    item["LUTDescriptor"].VR = item["LUTData"].VR = "US"
    found = read(write_dicom(tmp_path / "us.dcm", GREY, VOILUTSequence=[item]))
    np.testing.assert_array_equal(found, 255 - GREY)


@pytest.mark.parametrize("planar", [0, 1])
def test_rgb(tmp_path, planar):
    colour = np.zeros((4, 6, 3), np.uint8)
    colour[..., 0], colour[:2, :, 1] = 200, 100
    stored = np.moveaxis(colour, 2, 0).copy() if planar else colour
    path = write_dicom(tmp_path / "us.dcm", colour, PlanarConfiguration=planar, PixelData=stored.tobytes())
    # ITU-R BT.601.
    np.testing.assert_array_equal(read(path), np.repeat([[119], [119], [60], [60]], 6, axis=1))


def test_16_bit_rgb_by_its_bits(tmp_path):
    found = read(write_dicom(tmp_path / "us.dcm", np.dstack([TWELVE] * 3), **TWELVE_BITS))
    assert np.abs(found - TWELVE / 4095 * 255).max() <= 1


def test_ybr(tmp_path):
    ybr = convert_color_space(np.dstack([GREY] * 3), "RGB", "YBR_FULL")
    path = write_dicom(tmp_path / "us.dcm", ybr, PhotometricInterpretation="YBR_FULL")
    np.testing.assert_array_equal(read(path), GREY)


def test_ybr_422(tmp_path):
    flat = np.full((4, 6), 90, np.uint8)
    flat[:, 3:] = 200
    # Two luma, then one Cb and one Cr for both (PS3.3, C.7.6.3.1.2); grey is 128.
    packed = np.stack([flat[:, ::2], flat[:, 1::2], flat[:, ::2] * 0 + 128, flat[:, ::2] * 0 + 128], axis=2)
    path = write_dicom(
        tmp_path / "us.dcm", np.dstack([flat] * 3), PhotometricInterpretation="YBR_FULL_422", PixelData=packed.tobytes()
    )
    np.testing.assert_array_equal(read(path), flat)


def test_palette(tmp_path):
    entries = np.arange(256, dtype=np.uint16) * 257
    tables = {}
    for name in ("Red", "Green", "Blue"):
        tables[f"{name}PaletteColorLookupTableDescriptor"] = [256, 0, 16]
        tables[f"{name}PaletteColorLookupTableData"] = entries[::-1].tobytes()
    path = write_dicom(tmp_path / "us.dcm", GREY, PhotometricInterpretation="PALETTE COLOR", **tables)
    np.testing.assert_array_equal(read(path), 255 - GREY)


LOSSLESS = [uid.RLELossless, uid.JPEGLSLossless, uid.JPEG2000Lossless]


@pytest.mark.parametrize("syntax", [None, *LOSSLESS])
def test_frames_of_a_cine_loop(tmp_path, syntax):
    cine = RNG.integers(0, 256, (4, 45, 33), dtype=np.uint8)
    try:
        path = write_dicom(tmp_path / "us.dcm", cine, syntax)
    except RuntimeError as error:
        pytest.skip(f"no encoder: {error}")
    with open_source(path) as source:
        assert source.num_frames == 4
        for index in (3, 0, 2, 1):
            np.testing.assert_array_equal(source.frame(index), cine[index])
    with pytest.raises(UserError, match="4 pages or frames"):
        decode_image(path.read_bytes(), path)


def test_a_long_loop_is_never_held_whole(tmp_path):
    write_dicom(tmp_path / "us.dcm", np.zeros((100, 200, 300), np.uint8))  # 6 MB
    tracemalloc.start()
    with open_source(tmp_path / "us.dcm") as source:
        for index in range(0, 100, 20):
            source.frame(index)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 3e6


@pytest.mark.parametrize(
    ("syntax", "marker", "offset"), [(uid.JPEGLSLossless, b"\xff\xf7", 5), (uid.JPEG2000Lossless, b"\xff\x51", 8)]
)
def test_a_compressed_frame_of_another_size_is_refused_before_it_is_decoded(tmp_path, syntax, marker, offset):
    """A decoder takes 24 GB for a JPEG-LS stream that claims 65535 x 65535."""
    path = write_dicom(tmp_path / "us.dcm", np.tile(GREY, (2, 2)), syntax)
    data = bytearray(path.read_bytes())
    at = data.index(marker) + offset
    data[at] = 0x7F
    path.write_bytes(data)
    with pytest.raises(UserError, match=r"the compressed frame is .* but the header states 90 x 66 of 1"):
        read(path)


@pytest.mark.parametrize(
    ("attributes", "message"),
    [
        ({"PixelData": None}, "without pixel data"),
        ({"Rows": None}, r"without an image \(Ultrasound Image Storage\)"),
        ({"PhotometricInterpretation": "HSV"}, "'HSV' isn't read; what is read is MONOCHROME1"),
        ({"BitsAllocated": 32}, "8 or 16 bits.*32"),
        ({"Rows": 30000, "Columns": 30000}, "limit of 40000000"),
        ({"Rows": 46}, r"us\.dcm.*DICOM"),  # more than there is
        ({"RescaleSlope": 0, "RescaleIntercept": 7}, "rescale slope"),
        ({"WindowCenter": 5, "WindowWidth": 0}, r"us\.dcm.*Width"),
    ],
)
def test_one_clear_line(tmp_path, attributes, message):
    path = write_dicom(tmp_path / "us.dcm", GREY, **attributes)
    with pytest.raises(UserError, match=message) as caught, open_source(path) as source:
        source.frame()
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)


def test_a_file_that_is_cut_off(tmp_path):
    path = write_dicom(tmp_path / "us.dcm", GREY)
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(UserError, match=r"us\.dcm"), open_source(path) as source:
        source.frame()


def test_an_element_that_claims_4_gb_takes_no_memory(tmp_path):
    path = write_dicom(tmp_path / "us.dcm", GREY, PatientComments="a word")
    content = path.read_bytes()
    # Explicit VR Little Endian: an LT has its length in two bytes; as UT it has two reserved bytes and four of length.
    at = content.index(b"\x10\x00\x00\x40LT")
    claimed = content[: at + 4] + b"UT\0\0" + (0xFFFFFFF0).to_bytes(4, "little") + content[at + 8 :]
    path.write_bytes(claimed)
    tracemalloc.start()
    try:
        with pytest.raises(UserError, match=r"us\.dcm"), open_source(path) as source:
            source.frame()
        assert tracemalloc.get_traced_memory()[1] < 1 << 26
    finally:
        tracemalloc.stop()


def test_a_deflated_file_is_refused_before_it_is_expanded(tmp_path, monkeypatch):
    dataset = make_dicom(GREY)
    dataset.file_meta.TransferSyntaxUID = uid.DeflatedExplicitVRLittleEndian
    dataset.save_as(tmp_path / "us.dcm", enforce_file_format=True)
    monkeypatch.setattr(pydicom, "dcmread", None)
    with pytest.raises(UserError, match="Deflated Explicit VR Little Endian"):
        open_source(tmp_path / "us.dcm")


@pytest.mark.parametrize("syntax", ["1.2.840.10008.1.2.4.102", uid.DeflatedExplicitVRLittleEndian])
def test_a_syntax_that_nothing_reads_is_named(tmp_path, syntax):
    dataset = make_dicom(GREY)
    if syntax != uid.DeflatedExplicitVRLittleEndian:
        dataset.PixelData = pydicom.encaps.encapsulate([b"\0\0\0\1"])
        dataset["PixelData"].is_undefined_length = True
    dataset.file_meta.TransferSyntaxUID = syntax
    dataset.save_as(tmp_path / "us.dcm", enforce_file_format=True)
    with pytest.raises(UserError, match=f"us.dcm: the transfer syntax '{uid.UID(syntax).name[:8]}.*isn't read"):
        open_source(tmp_path / "us.dcm")


def test_a_missing_plug_in_is_named(tmp_path, monkeypatch):
    class Decoder:
        is_available = False
        missing_dependencies = [
            "gdcm - requires gdcm>=3",
            "pylibjpeg - requires pylibjpeg>=2.0 and pylibjpeg-libjpeg>=2.1",
        ]

    path = write_dicom(tmp_path / "us.dcm", GREY, uid.RLELossless)
    monkeypatch.setattr(pydicom.pixels, "get_decoder", lambda syntax: Decoder)
    with pytest.raises(
        MissingLibraryError, match=r"'RLE Lossless' needs.*: gdcm>=3 or pylibjpeg>=2.0 and pylibjpeg-libjpeg"
    ):
        open_source(path)


def test_without_pydicom_the_extra_is_named(tmp_path, monkeypatch):
    path = write_dicom(tmp_path / "us.dcm", GREY)
    monkeypatch.setitem(sys.modules, "pydicom", None)
    with pytest.raises(MissingLibraryError, match=r"ultraref\[dicom\]"):
        open_source(path)


CM, TISSUE = 3, ultrasound_region(0.01, 0.02)


@pytest.mark.parametrize(
    ("attributes", "spacing", "note"),
    [
        ({}, None, "no SequenceOfUltrasoundRegions"),
        ({"PixelSpacing": [0.2, 0.1]}, None, "PixelSpacing without SequenceOfUltrasoundRegions is not certain"),
        ({"SequenceOfUltrasoundRegions": [TISSUE]}, (0.2, 0.1), "SequenceOfUltrasoundRegions"),
        ({"SequenceOfUltrasoundRegions": [ultrasound_region(-0.01, -0.02)]}, (0.2, 0.1), "SequenceOf"),
        ({"SequenceOfUltrasoundRegions": [TISSUE, TISSUE]}, (0.2, 0.1), "2 regions that agree"),
        # A Doppler region beside the tissue has units of its own, and doesn't count.
        ({"SequenceOfUltrasoundRegions": [ultrasound_region(1, 1, 4, 3, 3), TISSUE]}, (0.2, 0.1), "SequenceOf"),
        ({"SequenceOfUltrasoundRegions": [TISSUE, ultrasound_region(0.02, 0.02)]}, None, "different scales"),
        ({"SequenceOfUltrasoundRegions": [ultrasound_region(0.01, 0.02, units=0)]}, None, "no scale in cm"),
        ({"SequenceOfUltrasoundRegions": [ultrasound_region(0, 0)]}, None, "no scale in cm"),
        ({"SequenceOfUltrasoundRegions": [ultrasound_region(1, 1, 4, 3, 3)]}, None, "no 2-D tissue region"),
        ({"SequenceOfUltrasoundRegions": []}, None, "no SequenceOfUltrasoundRegions"),
    ],
)
def test_spacing_only_where_it_is_certain(tmp_path, attributes, spacing, note):
    with open_source(write_dicom(tmp_path / "us.dcm", GREY, **attributes)) as source:
        found = source.spacing
        assert note in source.spacing_note
    if spacing is None:
        assert found is None
    else:
        assert isinstance(found, PixelSpacing)
        assert (found.row_mm, found.column_mm) == pytest.approx(spacing)


def test_a_lesion_goes_back_where_it_was(tmp_path):
    image = np.zeros((20, 50), np.uint8)
    image[3:7, 40:46] = 255
    with open_source(write_dicom(tmp_path / "us.dcm", image)) as source:
        frame = source.frame()
        assert source.exif_orientation == 1
        np.testing.assert_array_equal(source.to_stored(frame), image)
