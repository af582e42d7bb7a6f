"""Readers of what people convert: outlines of annotation tools, tables, label maps, given splits and verdicts."""

import base64
import hashlib
import io
import json
import zlib
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

from ultraref.datasets.case_file import CASES_NAME, CaseFile
from ultraref.datasets.converters import Found, LabelNames, LesionChoice, RawSample, find_folder, find_table
from ultraref.datasets.converters.annotations import find_annotations
from ultraref.datasets.converters.given_splits import GivenSplits
from ultraref.datasets.image_io import encode_png
from ultraref.datasets.judged_pairs import JudgedPairs
from ultraref.testing.soak.reader import Reader

_HEIGHT, _WIDTH = 48, 60
_CORNERS = ((12, 10), (26, 10), (26, 24), (12, 24))


def _beside(folder: Path, name: str, text: str, image: str = "a.png") -> Path:
    """Writes a text, and the image that it speaks of."""
    (folder / image).parent.mkdir(parents=True, exist_ok=True)
    (folder / image).write_bytes(encode_png(np.zeros((_HEIGHT, _WIDTH), np.uint8)))
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text, encoding="utf-8")
    return folder / name


def _labelme(folder: Path) -> Path:
    shape = {"label": "nodule", "points": _CORNERS, "group_id": None, "shape_type": "polygon", "flags": {}}
    content = {"version": "5.2.1", "flags": {}, "shapes": [shape], "imagePath": "a.png", "imageData": None}
    return _beside(folder, "a.json", json.dumps(content | {"imageHeight": _HEIGHT, "imageWidth": _WIDTH}))


def _via(folder: Path) -> Path:
    x, y = zip(*_CORNERS)
    shape = {"name": "polygon", "all_points_x": x, "all_points_y": y}
    region = {"shape_attributes": shape, "region_attributes": {"kind": "nodule"}}
    entry = {"filename": "a.png", "size": 9, "regions": [region], "file_attributes": {}}
    return _beside(folder, "via.json", json.dumps({"_via_settings": {}, "_via_img_metadata": {"a.png9": entry}}))


def _cvat(folder: Path) -> Path:
    points = ";".join(f"{x}.00,{y}.00" for x, y in _CORNERS)
    return _beside(
        folder,
        "annotations.xml",
        '<?xml version="1.0" encoding="utf-8"?>\n<annotations>\n<version>1.1</version>\n'
        f'<image id="0" name="a.png" width="{_WIDTH}" height="{_HEIGHT}"><polygon label="nodule" occluded="0" points="{points}" z_order="0">'
        '</polygon><mask label="nodule" occluded="0" rle="1, 5" left="20" top="30" width="3" height="2" z_order="0"></mask></image>\n'
        "</annotations>\n",
    )


def _supervisely(folder: Path) -> Path:
    buffer = io.BytesIO()
    Image.fromarray(np.full((14, 14), 255, np.uint8)).save(buffer, "PNG")
    data = base64.b64encode(zlib.compress(buffer.getvalue())).decode()
    common = {"id": 1, "classId": 2, "tags": [], "classTitle": "nodule"}
    polygon = common | {"geometryType": "polygon", "points": {"exterior": _CORNERS, "interior": []}}
    bitmap = common | {"geometryType": "bitmap", "bitmap": {"data": data, "origin": [12, 10]}}
    content = {"size": {"height": _HEIGHT, "width": _WIDTH}, "tags": [], "objects": [polygon, bitmap]}
    return _beside(folder, "ann/a.png.json", json.dumps(content), "img/a.png")


def _yolo(folder: Path, damaged: str) -> Path:
    outline = " ".join(f"{x / _WIDTH:.6f} {y / _HEIGHT:.6f}" for x, y in _CORNERS)
    _beside(folder, "labels/a.txt", f"0 {outline}\n", "images/a.png")
    _beside(folder, "data.yaml", "train: images\nnc: 1\nnames: ['nodule']\n", "images/a.png")
    return folder / damaged


def _load(find: Callable[[Path], Found], path: Path) -> None:
    """Reads all masks of a source; every class is lesion, so that none is asked for."""
    for sample in find(path).samples:
        sample.load_masks(sample)


def _outlines(format: str, depth: int, path: Path) -> None:
    _load(lambda path: find_annotations(path.parents[depth], format=format), path)


def _table(folder: Path) -> Path:
    mask = np.zeros((_HEIGHT, _WIDTH), np.uint8)
    mask[10:24, 12:26] = 255
    (folder / "m.png").write_bytes(encode_png(mask))
    return _beside(folder, "table.csv", "image,mask,patient,frame,spacing,birads\na.png,m.png,p1,3,0.1,4a\n")


def _label_map(folder: Path, colours: bool) -> Path:
    labels = np.zeros((_HEIGHT, _WIDTH), np.uint8)
    labels[10:24, 12:26], labels[30:40, 30:40] = 1, 2
    (folder / "masks").mkdir()
    picture = Image.fromarray(labels)
    if colours:
        picture.putpalette([0, 0, 0, 255, 0, 0, 0, 255, 0])
        picture = picture.convert("RGB")
    picture.save(folder / "masks/a.png")
    _beside(folder, "images/readme.txt", "", "images/a.png")
    return folder / "masks/a.png"


def _find_labels(choice: LesionChoice, path: Path) -> None:
    _load(lambda path: find_folder(path.parents[1], choice=choice), path)


def _cases(folder: Path) -> Path:
    row = {
        "path": "a.png",
        "split": "train",
        "fold": "0",
        "spacing_row": "0.1",
        "spacing_column": "0.1",
        "birads": "4a",
    }
    (folder / CASES_NAME).write_text(CaseFile({"a": row}).to_csv())
    return folder / CASES_NAME


def _read_cases(path: Path) -> None:
    # As if the damage had been there when splits.json was written.
    cases = CaseFile.read(path.parent, hashlib.sha256(path.read_bytes()).hexdigest())
    for name in cases.rows:
        cases.spacing(name)


def _text(folder: Path, name: str, text: str) -> Path:
    (folder / name).write_text(text, encoding="utf-8")
    return folder / name


def _apply_split(path: Path) -> None:
    GivenSplits.read(path).apply({name: RawSample(name, Path(f"{name}.png"), patient=name) for name in ("a", "b", "c")})


_GREY = LesionChoice(["nodule"], LabelNames.parse(values=["nodule=1", "gland=2"]))
_COLOURS = LesionChoice(["nodule"], LabelNames.parse(colours=["nodule=#ff0000", "gland=0,255,0"]))
SOURCE_READERS = (
    Reader("LabelMe", _labelme, partial(_outlines, "labelme", 0)),
    Reader("VGG VIA", _via, partial(_outlines, "via", 0)),
    Reader("CVAT", _cvat, partial(_outlines, "cvat", 0)),
    Reader("Supervisely", _supervisely, partial(_outlines, "supervisely", 1)),
    Reader("YOLO, outlines", partial(_yolo, damaged="labels/a.txt"), partial(_outlines, "yolo", 1)),
    Reader("YOLO, names", partial(_yolo, damaged="data.yaml"), partial(_outlines, "yolo", 0)),
    Reader("table to convert", _table, partial(_load, find_table)),
    Reader("mask of grey values", partial(_label_map, colours=False), partial(_find_labels, _GREY)),
    Reader("mask of colours", partial(_label_map, colours=True), partial(_find_labels, _COLOURS)),
    Reader("cases.csv", _cases, _read_cases),
    Reader("given split", partial(_text, name="s.csv", text="image,part\na,train\nb,val\nc,test\n"), _apply_split),
    Reader(
        "given split, JSON",
        partial(_text, name="s.json", text='{"train": ["a"], "val": ["b"], "test": ["c"]}'),
        _apply_split,
    ),
    Reader(
        "pairs.csv",
        partial(_text, name="p.csv", text="first,second,verdict\na,b,accepted\nb,c,rejected\n"),
        JudgedPairs.read,
    ),
)
