"""Converts any folder of images and masks:
python tools/dataset_converters/folder.py SRC DST --images "*/image_*.png" --masks "*/*_mask.png" \\
    --mask-name "{name}_mask"
"""

import sys

from ultraref.datasets.converters import find_folder
from ultraref.datasets.converters.command_line import run_converter

OPTIONS = {
    "--images": {"default": "images/*", "metavar": "GLOB", "help": "images, below SRC (default: %(default)s)"},
    "--masks": {"default": "masks/*", "metavar": "GLOB", "help": "masks, below SRC (default: %(default)s)"},
    "--mask-name": {
        "default": "{name}",
        "metavar": "PATTERN",
        "help": "stem of the masks of image {name}; with a *, there may be several (default: %(default)s)",
    },
    "--patient": {"metavar": "REGEX", "help": "its first group, in the image's path below SRC, is the patient"},
    "--class": {"dest": "category", "metavar": "REGEX", "help": "its first group is the class"},
}

if __name__ == "__main__":
    sys.exit(run_converter("folder", find_folder, __doc__, options=OPTIONS))
