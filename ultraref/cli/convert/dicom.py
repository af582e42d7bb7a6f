"""Converts folders of DICOM ultrasound: python tools/dataset_converters/dicom.py SRC DST [--crop-region] [--every 5].

Who a patient is doesn't get into DST. The salt of the hashes and the table that leads from names back to files are kept beside it.
"""

import argparse

from ultraref.cli.convert.common import add_converter_arguments, write_converted

OPTIONS = {
    "--masks": {
        "metavar": "TEMPLATE",
        "help": "mask files below SRC, such as '{folder}/{name}_mask.png'; {folder} and {name} are the image's, {uid} its SOP instance UID, "
        "{frame} and {number} the frame's, from 0 and from 1 up (default: DICOM Segmentations)",
    },
    "--classes": {"nargs": "+", "metavar": "LABEL", "help": "segments, or values of the masks, that are lesion"},
    "--every": {"type": int, "default": 1, "metavar": "N", "help": "every N-th of a loop's frames (default: 1)"},
    "--crop-region": {
        "action": "store_true",
        "help": "cut images to their B-mode region (SequenceOfUltrasoundRegions)",
    },
    "--patient-from": {
        "choices": ("patient-id", "study"),
        "default": "patient-id",
        "help": "what tells patients apart; study, where an anonymiser left one PatientID (default: %(default)s)",
    },
    "--salt": {
        "metavar": "TEXT",
        "help": "secret of the patients' hashes (default: a random one, kept in DST.salt)",
    },
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds what the command takes."""
    add_converter_arguments(parser, "dicom", OPTIONS)


def main(args: argparse.Namespace) -> int:
    """Converts, prints the report, and returns the exit status."""
    from ultraref.datasets.converters import find_dicom
    from ultraref.datasets.converters.pseudonyms import Pseudonyms, salt_beside, write_sources

    found = find_dicom(
        args.src,
        Pseudonyms(salt_beside(args.dst) if args.salt is None else args.salt),
        masks=args.masks,
        classes=args.classes,
        every=args.every,
        crop_region=args.crop_region,
        patient_from=args.patient_from,
    )
    status = write_converted(found, args)
    print(
        f"which file each name stands for: {write_sources(found, args.dst)}; keep it, and the salt, where the patients' data are"
    )
    return status
