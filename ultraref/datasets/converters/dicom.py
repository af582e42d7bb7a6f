"""Folders of DICOM ultrasound: images and cine loops, with masks as DICOM Segmentations or as image files.

Nothing that says who a patient is leaves the folder: patient, study, series and instance become salted hashes, the names of images are
made of those, and dates, names and ages aren't read. Text that is burnt into the pixels stays there.
"""

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from ultraref.bounded_stream import BoundedStream
from ultraref.datasets.converters.choose_classes import choose_classes
from ultraref.datasets.converters.dicom_masks import SegmentFrame, SegmentIndex, read_segments
from ultraref.datasets.converters.mask_frames import find_mask_frames, labels_of_frame, read_mask_frame
from ultraref.datasets.converters.mask_path_format import FRAME_PARTS, MaskPathFormat
from ultraref.datasets.converters.pseudonyms import Pseudonyms
from ultraref.datasets.converters.raw_sample import Found, RawSample
from ultraref.datasets.readers.base import PixelSpacing
from ultraref.datasets.readers.decoding import decoding
from ultraref.datasets.readers.dicom import DicomSource, import_pydicom, read_header
from ultraref.datasets.readers.dicom_spacing import region_box, stated_spacing, tissue_regions
from ultraref.datasets.readers.open_source import is_dicom, open_source
from ultraref.errors import MissingFileError, UserError

PATIENT, STUDY = "patient-id", "study"
# Storage of segmentations, and of those that are label maps.
_SEGMENTATIONS = ("1.2.840.10008.5.1.4.1.1.66.4", "1.2.840.10008.5.1.4.1.1.66.7")
_SEGMENTATION, _FOREIGN = "a DICOM Segmentation, which --masks leaves no use for", "not a DICOM file"
_SIDES = {"L": "left", "R": "right"}
Box = tuple[int, int, int, int]


@dataclass(frozen=True)
class _Instance:
    """What is known of an image file: its header's identities are hashed already, but for the UID that segmentations name."""

    path: Path
    uid: str
    patient: str
    study: str
    num_frames: int
    shape: tuple[int, int]
    spacing: PixelSpacing | None
    spacing_source: str
    side: str | None
    attributes: dict[str, str]
    box: Box | None
    public_name: str


def find_dicom(
    src: str | Path,
    pseudonyms: Pseudonyms,
    masks: str | None = None,
    classes: Sequence[str] | None = None,
    every: int = 1,
    crop_region: bool = False,
    patient_from: str = PATIENT,
) -> Found:
    """Finds the images and cine loops below SRC whose frames have a mask.

    A mask is what DICOM Segmentations say of the image's SOP instance UID and frame, the union of the segments chosen; a frame that no
    segmentation refers to has none, and is left out. Or masks are image files. The frames of a loop are one video. A frame is named
    after the hashes of patient and instance, and its number from 0 up.

    Args:
        src: the folder, searched with those in it for files that begin as DICOM, whatever their names.
        pseudonyms: hashes patients, studies, series and instances.
        masks: template of mask files, see `MaskPathFormat`, with the parts {folder} and {name} of the image's file, and {uid}, its SOP
            instance UID. None takes the DICOM Segmentations.
        classes: labels of the segments, or values of the mask files, that are lesion.
        every: takes every N-th of a loop's frames that have a mask, beginning with the first.
        crop_region: cuts image and mask to the one 2-D tissue region of SequenceOfUltrasoundRegions; an image without one, or with
            several, is a defect.
        patient_from: "patient-id", or "study" where one PatientID stands in all files, as some anonymisers leave it.

    Raises:
        MissingLibraryError: pydicom isn't installed.
        FileNotFoundError: there is no such folder, no DICOM image in it, or no mask.
        UserError: an option is wrong, classes are to be chosen, or all studies have one PatientID.
    """
    src = Path(src)
    if every < 1:
        raise UserError(f"--every is {every}; it must be at least 1")
    mask_format = None if masks is None else MaskPathFormat(masks, ("folder", "name", "uid", *FRAME_PARTS))
    import_pydicom()
    files = _files(src)
    instances, index, found, others = _read_headers(files, src, pseudonyms, crop_region, patient_from)
    if not instances and found.bad:
        raise UserError(f"{src}: no image can be used; the first of {len(found.bad)} defects: {found.bad[-1]}")
    if not instances:
        raise MissingFileError(f"{src}: none of its {len(files)} files is a DICOM image")
    frames = _frames_with_masks(instances, index, mask_format, src, found)
    if not any(frames.values()):
        raise MissingFileError(_no_mask(instances, index, mask_format, src))
    chosen = _choose(frames, index, mask_format, classes, src)
    used = (
        {place[0] for own in frames.values() for place in own.values()} if mask_format else set(others[_SEGMENTATION])
    )
    for instance in instances:
        if own := frames.get(instance.path):
            found.samples += _samples(instance, own, mask_format, chosen, every)
        elif instance.path in frames and instance.path not in used:
            found.left_out.append(f"{instance.path}: an image without a mask")
    found.left_out += [f"{path}: {what}" for what, paths in others.items() for path in paths if path not in used]
    found.samples.sort(key=lambda sample: sample.name)
    found.left_out.sort()
    found.notes += _notes(found.samples, instances, frames)
    return found


def _files(src: Path) -> list[Path]:
    if not src.is_dir():
        raise MissingFileError(f"{src}: no such folder")
    found = []
    for root, folders, names in os.walk(src):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        found += [Path(root, name) for name in sorted(names) if not name.startswith(".")]
    return found


def _read_headers(
    files: Sequence[Path], src: Path, pseudonyms: Pseudonyms, crop_region: bool, patient_from: str
) -> tuple[list[_Instance], SegmentIndex, Found, dict[str, list[Path]]]:
    """Sorts the files into images, segmentations, what is left out or bad, and, by what they are, those that may be masks."""
    names = {path: f"file {pseudonyms.of('file', path.relative_to(src).as_posix())}" for path in files}
    found = Found([], source=src, public_names={str(path): name for path, name in names.items()})
    instances, index, studies = [], SegmentIndex(), {}
    others: dict[str, list[Path]] = {_SEGMENTATION: [], _FOREIGN: []}
    for path in files:
        if not is_dicom(path):
            if path.suffix.lower() == ".dcm":
                found.bad.append(f"{path}: is no DICOM file, whatever its name says")
            else:
                others[_FOREIGN].append(path)
            continue
        try:
            with open(path, "rb") as stream, decoding(path, "DICOM"):
                header = read_header(BoundedStream(stream), path)
                if header.get("SOPClassUID") in _SEGMENTATIONS:
                    index.add(path, header)
                    others[_SEGMENTATION].append(path)
                    continue
            if not header.get("Rows"):
                what = getattr(header.get("SOPClassUID"), "name", "no SOP class stated")
                found.left_out.append(f"{path}: a DICOM file without an image ({what})")
                continue
            with open_source(path) as source, decoding(path, "DICOM"):
                instances.append(_describe(source, pseudonyms, crop_region, patient_from, names[path]))
                studies.setdefault(_identity(source.header), set()).add(source.header.get("StudyInstanceUID"))
        except UserError as error:
            found.bad.append(str(error))
    found.bad += index.bad
    if patient_from == PATIENT and len(studies) == 1 and len(next(iter(studies.values()))) > 1:
        raise UserError(
            f"{src}: all {len(next(iter(studies.values())))} studies have one PatientID, as some anonymisers leave it, so that nothing "
            "could be split; take each study as a patient by --patient-from study"
        )
    return _without_copies(instances, found), index, found, others


def _identity(header) -> str:
    """Returns what a patient is known by: the number and who gave it, or, without a number, the study."""
    number = str(header.get("PatientID") or "").strip()
    if number:
        return f"{str(header.get('IssuerOfPatientID') or '').strip()}\0{number}"
    return f"study\0{header.get('StudyInstanceUID')}"


def _describe(
    source: DicomSource, pseudonyms: Pseudonyms, crop_region: bool, patient_from: str, public_name: str
) -> _Instance:
    header, path = source.header, source.path
    uid = str(header.get("SOPInstanceUID") or "")
    if not uid or not header.get("StudyInstanceUID"):
        raise UserError(f"{path}: has no SOPInstanceUID or no StudyInstanceUID, which say what belongs together")
    shape = int(header.Rows), int(header.Columns)
    spacing, spacing_source = stated_spacing(header)
    identity = f"study\0{header.StudyInstanceUID}" if patient_from == STUDY else _identity(header)
    maker = (str(header.get(key) or "").strip() for key in ("Manufacturer", "ManufacturerModelName"))
    attributes = {
        "device": " ".join(part for part in maker if part),
        "series": pseudonyms.of("series", str(header.get("SeriesInstanceUID") or "")),
        "burned_in_annotation": str(header.get("BurnedInAnnotation") or "").strip().lower(),
    }
    return _Instance(
        path=path,
        uid=uid,
        patient=pseudonyms.of("patient", identity),
        study=pseudonyms.of("study", str(header.StudyInstanceUID)),
        num_frames=source.num_frames,
        shape=shape,
        spacing=spacing,
        spacing_source=spacing_source,
        side=_SIDES.get(str(header.get("ImageLaterality") or header.get("Laterality") or "").strip().upper()),
        attributes={name: value for name, value in attributes.items() if value},
        box=_tissue_box(header, path, shape) if crop_region else None,
        public_name=f"p{pseudonyms.of('patient', identity)}_i{pseudonyms.of('instance', uid)}",
    )


def _tissue_box(header, path: Path, shape: tuple[int, int]) -> Box:
    boxes = [region_box(region, *shape) for region in tissue_regions(header)]
    if len(boxes) != 1 or boxes[0] is None:
        what = f"{len(boxes)} 2-D tissue regions" if len(boxes) != 1 else "a tissue region outside of its pixels"
        raise UserError(f"{path}: has {what}, so that --crop-region can't tell what to cut out")
    return boxes[0]


def _without_copies(instances: list[_Instance], found: Found) -> list[_Instance]:
    by_uid: dict[str, list[_Instance]] = {}
    for instance in instances:
        by_uid.setdefault(instance.uid, []).append(instance)
    for same in by_uid.values():
        if len(same) > 1:
            paths = " and ".join(str(instance.path) for instance in same)
            found.bad.append(f"{paths} are one DICOM instance (SOPInstanceUID); leave one of them")
    return [same[0] for same in by_uid.values() if len(same) == 1]


def _frames_with_masks(
    instances: list[_Instance], index: SegmentIndex, mask_format: MaskPathFormat | None, src: Path, found: Found
) -> dict[Path, dict[int, list[SegmentFrame] | tuple[Path, int]]]:
    """Returns by file and frame what the mask is made of; what has a defect is noted and not among them."""
    frames: dict[Path, dict] = {}
    for instance in instances:
        try:
            if mask_format is None:
                frames[instance.path] = index.of_image(instance.uid, instance.num_frames, instance.path)
            else:
                frames[instance.path] = find_mask_frames(mask_format, src, _parts(instance, src), instance.num_frames)
        except UserError as error:
            found.bad.append(str(error))
    missing = set() if mask_format else index.images() - {instance.uid for instance in instances}
    if missing:
        found.left_out.append(f"{src}: segmentations refer to {len(missing)} images that are not there")
    return frames


def _parts(instance: _Instance, src: Path) -> dict[str, str]:
    relative = instance.path.relative_to(src)
    name = (
        relative.name.removesuffix(relative.suffix) if relative.suffix.lower() in (".dcm", ".dicom") else relative.name
    )
    return {"folder": relative.parent.as_posix(), "name": name, "uid": instance.uid}


def _no_mask(instances: list[_Instance], index: SegmentIndex, mask_format: MaskPathFormat | None, src: Path) -> str:
    images = f"{src}: none of the {len(instances)} DICOM images has a mask"
    if mask_format is not None:
        example = mask_format.path(src, _parts(instances[0], src))
        return f"{images}; by --masks {mask_format.text!r} that of {instances[0].path} would be {example}"
    if index.counts:
        return f"{images}: its segmentations refer to {len(index.images())} others"
    return f"{images}: there is no DICOM Segmentation; masks as image files are named by --masks '{{folder}}/{{name}}_mask.png'"


def _choose(
    frames: dict, index: SegmentIndex, mask_format: MaskPathFormat | None, classes: Sequence[str] | None, src: Path
) -> list[str] | None:
    """Returns the labels that are lesion; None takes mask files by the rule of masks."""
    if mask_format is None:
        return choose_classes(index.counts, classes, str(src))
    if classes is None:
        return None
    counts = Counter(label for own in frames.values() for place in own.values() for label in labels_of_frame(*place))
    return choose_classes(counts, classes, str(src))


def _samples(
    instance: _Instance, own: dict, mask_format: MaskPathFormat | None, chosen: list[str] | None, every: int
) -> Iterator[RawSample]:
    is_loop = instance.num_frames > 1
    spacing = None if instance.spacing is None else (instance.spacing.row_mm, instance.spacing.column_mm)
    sample = RawSample(
        name=instance.public_name,
        image_path=instance.path,
        patient=instance.patient,
        study=instance.study,
        side=instance.side,
        video=instance.public_name if is_loop else None,
        spacing=spacing,
        spacing_source=None if spacing is None else instance.spacing_source,
        attributes=instance.attributes,
    )
    for frame in sorted(own)[::every]:
        of_mask = own[frame]
        if mask_format is None:
            of_mask = [segment for segment in of_mask if segment.label in chosen]
            paths = dict.fromkeys(segment.path for segment in of_mask)
            load = partial(
                _load_segments, segments=of_mask, shape=instance.shape, box=instance.box, several=len(chosen) > 1
            )
        else:
            paths = of_mask[:1]
            load = partial(_load_mask, place=of_mask, labels=chosen, shape=instance.shape, box=instance.box)
        yield replace(
            sample,
            name=f"{instance.public_name}_f{frame:04d}" if is_loop else instance.public_name,
            frame=frame if is_loop else None,
            mask_paths=tuple(paths),
            load_image=partial(_load_frame, frame=frame, box=instance.box),
            load_masks=load,
        )


def _load_frame(sample: RawSample, bits: int | None, frame: int, box: Box | None) -> np.ndarray:
    with open_source(sample.image_path, bits=bits) as source:
        return _cut(source.frame(frame), box)


def _load_segments(
    sample: RawSample, segments: list[SegmentFrame], shape: tuple[int, int], box: Box | None, several: bool
) -> tuple[list[np.ndarray], str | None]:
    """Returns the mask, and the class: the label of the largest segment, where several labels are lesion."""
    masks = {}
    for segment in segments:
        mask = _cut(read_segments([segment], shape, sample.image_path), box)
        masks[segment.label] = masks.get(segment.label, 0) | mask
    largest = max(masks, key=lambda label: np.count_nonzero(masks[label]), default=None)
    category = largest.lower() if several and largest is not None and masks[largest].any() else None
    # One lesion with two labels is still one lesion.
    return [np.maximum.reduce([*masks.values()]) if masks else _cut(np.zeros(shape, np.uint8), box)], category


def _load_mask(
    sample: RawSample, place: tuple[Path, int], labels: list[str] | None, shape: tuple[int, int], box: Box | None
) -> tuple[list[np.ndarray], str | None]:
    mask = read_mask_frame(*place, labels)
    if box is not None and mask.shape != shape:
        raise UserError(
            f"{place[0]}: the mask is {mask.shape[0]} x {mask.shape[1]} (height x width), but the image {sample.image_path} is "
            f"{shape[0]} x {shape[1]} before it is cropped"
        )
    return [_cut(mask, box)], None


def _cut(array: np.ndarray, box: Box | None) -> np.ndarray:
    return array if box is None else np.ascontiguousarray(array[box[0] : box[2], box[1] : box[3]])


def _notes(samples: list[RawSample], instances: list[_Instance], frames: dict) -> list[str]:
    loops = [instance for instance in instances if instance.num_frames > 1]
    burned = Counter(sample.attributes.get("burned_in_annotation", "not stated") for sample in samples)
    sources = Counter(sample.spacing_source or "none" for sample in samples)
    notes = [
        f"patients: {len({sample.patient for sample in samples})}, by salted hashes; no name, number or date was written",
        f"text in pixels was left as it is; BurnedInAnnotation says: {_counted(burned)}",
        f"pixel spacing by: {_counted(sources)}",
    ]
    if loops:
        total, masked = (sum(values) for values in zip(*((i.num_frames, len(frames.get(i.path, ()))) for i in loops)))
        notes.append(f"cine loops: {len(loops)} of {total} frames, of which {masked} have a mask")
    return notes


def _counted(counts: Counter) -> str:
    return ", ".join(f"{name}: {count}" for name, count in sorted(counts.items()))
