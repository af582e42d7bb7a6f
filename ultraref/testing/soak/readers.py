"""Everything that reads files of users, in one list, each with a whole file to damage. A new reader is a line here."""

import csv
import io
import json
import socket
from functools import cache, partial
from pathlib import Path

import cv2
import numpy as np
import torch
from mmengine.registry import init_default_scope
from PIL import Image

from ultraref.apis.analyse.plot_logs import read_curves
from ultraref.apis.bundle import read_bundle
from ultraref.apis.compare import read_runs
from ultraref.apis.inference.journal import Journal
from ultraref.apis.report.training_log import read_training
from ultraref.atomic import write_json
from ultraref.checkpoint import load_checkpoint_file, load_weights_file, save_atomically
from ultraref.datasets.coco_dataset import CocoLesionDataset
from ultraref.datasets.converters.coco import find_coco
from ultraref.datasets.converters.split_manifest import ManifestEntry, SplitManifest
from ultraref.datasets.exclusions import Exclusions
from ultraref.datasets.image_io import encode_png, read_mask
from ultraref.datasets.prediction_import.name_matching import NameMatcher, read_names
from ultraref.datasets.prediction_import.nnunet_splits import NnunetSplits
from ultraref.datasets.prediction_import.table import find_listed
from ultraref.datasets.prediction_store import NetworkIdentity, PredictionManifest, PredictionRequest, PredictionStore
from ultraref.datasets.readers import open_source, read_coarse
from ultraref.datasets.splits import ImageEntry, Splits
from ultraref.engine.run_lock import LOCK_NAME, run_lock
from ultraref.evaluation.case_table import write_cases
from ultraref.models.coarse.encoders import R50ViTEncoder
from ultraref.models.coarse.encoders.published_npz import expected_shapes, load_published_npz
from ultraref.testing.dicom_files import write_dicom
from ultraref.testing.phantom import make_phantom, shrink
from ultraref.testing.soak.reader import Reader
from ultraref.testing.soak.source_readers import SOURCE_READERS

_SIDE = 48
# Frames of a file that are decoded: one that claims a million would take as long.
_FRAMES = 3


@cache
def _picture() -> tuple[np.ndarray, np.ndarray]:
    """Image and mask of a phantom, (H, W) uint8, the mask in {0, 1}."""
    phantom = shrink(make_phantom(np.random.default_rng(0)), _SIDE)
    return phantom.image, phantom.masks[0]


def _image(folder: Path, name: str, mode: str = "L", **options) -> Path:
    """Writes the phantom by Pillow, in one of its modes."""
    picture = Image.fromarray(_picture()[0])
    if mode == "I;16":
        picture = Image.fromarray(_picture()[0].astype(np.uint16) * 16)
    elif mode != "L":
        picture = picture.convert(mode)
    if name.endswith(".jpg"):
        options["exif"] = Image.Exif()
        options["exif"][0x0112] = 6
    picture.save(folder / name, **options)
    return folder / name


def _pages(folder: Path) -> Path:
    return _image(folder, "pages.tif", save_all=True, append_images=[Image.fromarray(_picture()[0])])


def _colour(folder: Path) -> Path:
    """16 bits a colour, which Pillow can't write."""
    values = np.stack([_picture()[0].astype(np.uint16) * 257] * 3, axis=-1)
    (folder / "colour.png").write_bytes(cv2.imencode(".png", values)[1].tobytes())
    return folder / "colour.png"


def _mask(folder: Path) -> Path:
    (folder / "mask.png").write_bytes(encode_png(_picture()[1] * 255))
    return folder / "mask.png"


def _npy(folder: Path, frames: int = 0) -> Path:
    image = _picture()[0]
    np.save(folder / "a.npy", np.stack([image] * frames) if frames else image)
    return folder / "a.npy"


def _npz(folder: Path) -> Path:
    lesion = cv2.GaussianBlur(_picture()[1].astype(np.float32), (0, 0), 1)
    np.savez_compressed(folder / "case.npz", probabilities=np.stack([1 - lesion, lesion])[:, None])
    return folder / "case.npz"


def _dicom(folder: Path, frames: int = 0, **options) -> Path:
    image = _picture()[0]
    return write_dicom(folder / "a.dcm", np.stack([image] * frames) if frames else image, **options)


def _rle_dicom(folder: Path) -> Path:
    from pydicom.uid import RLELossless

    return _dicom(folder, syntax=RLELossless)


def _jpeg_dicom(folder: Path) -> Path:
    """A compressed one, whose stream is a JPEG that Pillow wrote."""
    from pydicom import dcmread
    from pydicom.encaps import encapsulate
    from pydicom.uid import JPEGBaseline8Bit

    stream = io.BytesIO()
    Image.fromarray(_picture()[0]).save(stream, "JPEG")
    dataset = dcmread(_dicom(folder))
    dataset.PixelData = encapsulate([stream.getvalue()])
    dataset["PixelData"].VR = "OB"
    dataset.file_meta.TransferSyntaxUID = JPEGBaseline8Bit
    dataset.save_as(folder / "a.dcm", enforce_file_format=True)
    return folder / "a.dcm"


def _nifti(folder: Path, name: str) -> Path:
    import nibabel

    nibabel.save(nibabel.Nifti1Image(_picture()[0].T.astype(np.int16), np.eye(4)), folder / name)
    return folder / name


def _coco(folder: Path, kind: str) -> Path:
    from pycocotools import mask as rle

    from ultraref.datasets.converters.to_coco import polygons

    image, mask = _picture()
    height, width = image.shape
    (folder / "a.png").write_bytes(encode_png(image))
    code = rle.encode(np.asfortranarray(mask))
    values, starts = [0], mask.T.ravel()
    for before, value in zip([0, *starts[:-1]], starts):
        if value != before:
            values.append(0)
        values[-1] += 1
    shapes = {
        "polygons": polygons(mask),
        "runs": {"size": [height, width], "counts": values},
        "string": {"size": [height, width], "counts": code["counts"].decode()},
    }
    annotation = {
        "id": 1,
        "image_id": 1,
        "category_id": 1,
        "segmentation": shapes[kind],
        "iscrowd": int(kind != "polygons"),
    }
    annotation["bbox"], annotation["area"] = rle.toBbox(code).tolist(), int(mask.sum())
    content = {
        "images": [{"id": 1, "file_name": "a.png", "height": height, "width": width}],
        "annotations": [annotation],
        "categories": [{"id": 1, "name": "lesion"}],
    }
    write_json(folder / "coco.json", content)
    return folder / "coco.json"


def _read_coco(path: Path) -> None:
    """Both ways: what is wrong is refused, or left out."""
    pipeline = [dict(type="LoadImage"), dict(type="LoadCocoMask")]
    init_default_scope("ultraref")
    for problems in ("skip", "refuse"):
        dataset = CocoLesionDataset(str(path), problems=problems, pipeline=pipeline)
        for index in range(len(dataset)):
            dataset[index]


def _find_coco(path: Path) -> None:
    found = find_coco(path.parent, str(path))
    for sample in found.samples:
        sample.load_masks(sample)


def _splits() -> Splits:
    images = {
        name: ImageEntry(split, fold, "a" * 64, "b" * 64, "benign", name, "c" * 64, patient)
        for name, split, fold, patient in (("a", "train", 0, "p1"), ("b", "train", 1, None), ("c", "test", None, "p2"))
    }
    return Splits("set", 0, True, "pHash distance <= 20", 2, images)


def _splits_json(folder: Path) -> Path:
    (folder / "splits.json").write_text(_splits().to_json())
    return folder / "splits.json"


def _prediction(folder: Path, name: str) -> Path:
    store = PredictionStore(folder)
    network = NetworkIdentity("d" * 64, ("EncoderDecoder",))
    with store.writer(PredictionManifest(0, "val", 32, "best.pth", "e" * 64, "c.py", network)) as writer:
        writer.add("a", np.full((32, 32), 0.5, np.float32), "a" * 64)
    return store.folder(0, "val") / name


def _read_prediction(path: Path) -> None:
    store = PredictionStore(path.parents[2])
    store.validate([PredictionRequest("a", 0, "val", "a" * 64)])
    store.read("a", 0, "val", "a" * 64)


def _exclusions(folder: Path) -> Path:
    splits = _splits()
    (folder / "exclude.json").write_text(Exclusions({"set": splits.hash}, {"set": {"a": "a copy of b"}}).to_json())
    return folder / "exclude.json"


def _split_manifest(folder: Path) -> Path:
    entries = {"a": ManifestEntry("a" * 64, ("b" * 64,), "train", 0, "a")}
    SplitManifest("set", 0, False, "none", 2, entries).write(folder / "split.json")
    return folder / "split.json"


def _json(folder: Path, name: str, content) -> Path:
    write_json(folder / name, content)
    return folder / name


def _cases(folder: Path) -> Path:
    row = {"dataset": "set", "name": "a", "hash": "a" * 64, "group": "a", "group_kind": "image", "coarse_dice": 0.75}
    write_cases(folder / "metrics.csv", [row, {**row, "name": "b", "coarse_dice": 0.5}])
    write_json(folder / "metrics.json", {"measured": {"size": "original", "threshold": 0.5}, "calibration": None})
    return folder / "metrics.csv"


def _table(folder: Path, *rows: tuple) -> Path:
    with open(folder / "table.csv", "w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(rows)
    return folder / "table.csv"


def _lines(folder: Path, *entries: dict) -> Path:
    """A log, one JSON a line, where a training keeps it."""
    path = folder / "20260101_000000/vis_data/scalars.json"
    path.parent.mkdir(parents=True)
    path.write_text("".join(json.dumps(entry) + "\n" for entry in entries))
    return path


def _journal(folder: Path) -> Path:
    rows = ({"settings": {"threshold": 0.5}}, {"row": {"name": "a", "pixels": 12}, "source": [1, 2]})
    (folder / "journal.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder / "journal.jsonl"


def _lock(folder: Path) -> Path:
    """One of a process of this host that has ended."""
    return _json(folder, LOCK_NAME, {"host": socket.gethostname(), "pid": 1 << 30, "started": "345"})


def _read_lock(path: Path) -> None:
    with run_lock(path.parent):
        pass


def _checkpoint(folder: Path) -> Path:
    save_atomically(checkpoint_content(), folder / "last.pth")
    return folder / "last.pth"


def checkpoint_content() -> dict:
    """What a checkpoint holds, with weights that are soon read."""
    scalars = {"history_buffer": True, "values": torch.ones(3), "counts": torch.ones(3), "max_length": 10}
    return {
        "meta": {"epoch": 1, "iter": 3, "seed": 0, "trained_on": ["a" * 64], "run": {"processes": 1}},
        "state_dict": {"w": torch.arange(60.0).reshape(6, 10), "n": torch.tensor(3)},
        "optimizer": {"state": {0: {"step": torch.tensor(3.0)}}, "param_groups": [{"lr": 0.1, "params": [0]}]},
        "message_hub": {"log_scalars": {"train/loss": scalars}, "runtime_info": {}, "resumed_keys": {}},
        "param_schedulers": [{"last_step": 3}],
    }


def _weights(folder: Path, zipped: bool) -> Path:
    state = {"model": checkpoint_content()["state_dict"]}
    torch.save(state, folder / "weights.pth", _use_new_zipfile_serialization=zipped)
    return folder / "weights.pth"


@cache
def _hybrid() -> R50ViTEncoder:
    sizes = dict(image_size=32, layers=(1, 1, 1), channels=(4, 8, 8), stem_channels=4, norm_groups=2)
    return R50ViTEncoder(**sizes, embed_dim=8, depth=1, num_heads=2)


def _published_npz(folder: Path) -> Path:
    arrays = {name: np.zeros(shape, np.float32) for name, shape in expected_shapes(_hybrid().vit).items()}
    np.savez(folder / "hybrid.npz", **arrays)
    return folder / "hybrid.npz"


def _bundle(folder: Path) -> Path:
    model = {"type": "CoarseSegmentor", "loss": {"type": "CEDiceLoss"}}
    config = {"model": model, "test_dataloader": {"dataset": {"pipeline": [{"type": "LoadImage"}]}}}
    provenance = {"trained_on": ["a" * 64], "profiles": {}, "splits": {}}
    content = {
        "format": "ultraref-bundle",
        "format_version": 1,
        "ultraref": "0.1.0",
        "config": config,
        "custom_imports": [],
        "input_contract": {},
        "provenance": provenance,
        "weights": {"file": "model.safetensors", "sha256": "a" * 64, "size": 3},
    }
    (folder / "model.safetensors").write_bytes(b"abc")
    return _json(folder, "config.json", content)


def _all_frames(path: Path) -> None:
    with open_source(path) as source:
        source.to_stored(source.frame(0))
        for index in range(1, min(source.num_frames, _FRAMES)):
            source.frame(index)


def _coarse(path: Path) -> None:
    read_coarse(path, _picture()[0].shape)


_FOLDS = [{"train": ["a"], "val": ["b"]}, {"train": ["b"], "val": ["a"]}]
READERS = (
    Reader("PNG", partial(_image, name="a.png"), _all_frames),
    Reader("PNG, palette", partial(_image, name="a.png", mode="P"), _all_frames),
    Reader("PNG, 16-bit grey", partial(_image, name="a.png", mode="I;16"), _all_frames),
    Reader("PNG, 16-bit colour", _colour, _all_frames),
    Reader("PNG, mask", _mask, read_mask),
    Reader("PNG, coarse mask", _mask, _coarse),
    Reader("JPEG", partial(_image, name="a.jpg"), _all_frames),
    Reader("BMP", partial(_image, name="a.bmp"), _all_frames),
    Reader("TIFF", partial(_image, name="a.tif"), _all_frames),
    Reader("TIFF, LZW", partial(_image, name="a.tif", compression="tiff_lzw"), _all_frames),
    Reader("TIFF, pages", _pages, _all_frames),
    Reader("npy", _npy, _all_frames),
    Reader("npy, frames", partial(_npy, frames=5), _all_frames),
    Reader("npz of nnU-Net", _npz, _coarse),
    Reader("DICOM", _dicom, _all_frames),
    Reader("DICOM, cine loop", partial(_dicom, frames=3), _all_frames),
    Reader("DICOM, RLE", _rle_dicom, _all_frames),
    Reader("DICOM, JPEG", _jpeg_dicom, _all_frames),
    Reader("NIfTI", partial(_nifti, name="a.nii"), _all_frames),
    Reader("NIfTI, gzip", partial(_nifti, name="a.nii.gz"), _all_frames),
    Reader("COCO, polygons", partial(_coco, kind="polygons"), _read_coco),
    Reader("COCO, run lengths", partial(_coco, kind="runs"), _read_coco),
    Reader("COCO, compressed run lengths", partial(_coco, kind="string"), _read_coco),
    Reader("COCO, converter", partial(_coco, kind="string"), _find_coco),
    Reader("splits.json", _splits_json, lambda path: Splits.read(path.parent)),
    Reader("manifest of predictions", partial(_prediction, name="manifest.json"), _read_prediction),
    Reader("stored prediction", partial(_prediction, name="a.npy"), _read_prediction),
    Reader("exclusions", _exclusions, lambda path: Exclusions.read(path).of(_splits(), path)),
    Reader("published split", _split_manifest, SplitManifest.read),
    Reader("splits of nnU-Net", partial(_json, name="splits_final.json", content=_FOLDS), NnunetSplits.read),
    Reader("table of cases", _cases, lambda path: read_runs([str(path.parent)])),
    Reader(
        "table of predictions",
        lambda folder: _table(folder, ("name", "fold", "file"), ("a", "0", "a.png")),
        lambda path: find_listed(path, _splits(), NameMatcher(_splits().images)),
    ),
    Reader("table of names", lambda folder: _table(folder, ("case", "name"), ("x", "a"), ("y", "b")), read_names),
    Reader(
        "log of a training",
        lambda folder: _lines(
            folder, {"step": 1, "epoch": 1, "loss": 0.5, "memory": 9}, {"step": 1, "val_refined/dice": 0.5}
        ),
        lambda path: read_training(path.parents[2]),
    ),
    Reader(
        "learning curves",
        lambda folder: _lines(folder, {"step": 1, "loss": 0.5}, {"step": 2, "loss": 0.25}),
        lambda path: read_curves(path.parents[2]),
    ),
    Reader("journal", _journal, lambda path: Journal(path, {"threshold": 0.5}).close()),
    Reader("lock of a run", _lock, _read_lock),
    Reader("checkpoint", _checkpoint, load_checkpoint_file),
    Reader("weights of another program", partial(_weights, zipped=True), load_weights_file),
    Reader("weights, oldest format", partial(_weights, zipped=False), load_weights_file),
    Reader("weights, npz of Google", _published_npz, lambda path: load_published_npz(_hybrid().vit, path)),
    Reader("bundle", _bundle, lambda path: read_bundle(path.parent)),
    *SOURCE_READERS,
)
