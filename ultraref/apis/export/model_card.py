"""The README of a bundle."""

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path

from mmengine.config import Config

from ultraref.engine.gate_calibration import PROMISE, describe_calibration
from ultraref.evaluation import OVERLAP_NAMES
from ultraref.json_file import read_json
from ultraref.models.weights import describe_seen, weights_seen
from ultraref.models.weights.seen import ULTRASOUND_SETS
from ultraref.version import __version__

_GROUPS = ("coarse", "sam", "refined", "delta")
_PARTS = {
    "CoarseSegmentor": "A coarse network alone: image to lesion probability.",
    "RefinementSegmentor": "A coarse mask, corrected by SAM, blended by a gate.",
    "SAM2RadSegmentor": "SAM, prompted by a network that reads its image embedding.",
}


def model_card(cfg: Config, content: Mapping, checkpoint: Path) -> str:
    """Returns the card in Markdown.

    Args:
        cfg: the config that the model was built from.
        content: of the bundle's config.json.
        checkpoint: the results of a test are read from metrics.json beside it.
    """
    provenance = content["provenance"]
    sections = {
        "Use": _use(content["config"]["model"]),
        "Training data": _training_data(cfg, provenance),
        "Published weights in it": _weights(provenance["profiles"]),
        "What these weights have seen": _seen(cfg, provenance["profiles"]),
        **({"Calibration of the gate": _calibration(provenance["calibration"])} if "calibration" in provenance else {}),
        "Results": _results(checkpoint),
        "Licence": _licence(provenance["profiles"]),
    }
    title = f"# {Path(cfg.filename).stem if cfg.filename else content['config']['model']['type']}"
    head = [title, "", "Lesion segmentation in breast ultrasound. Not a medical device.", ""]
    body = [line for name, lines in sections.items() for line in (f"## {name}", "", *lines, "")]
    return "\n".join([*head, *body]).rstrip() + "\n"


def digest_of(hashes: list[str]) -> str:
    """Returns one sha256 for a set of images: of their own sha256 in hexadecimal, sorted, a line each."""
    return hashlib.sha256("".join(f"{each}\n" for each in sorted(hashes)).encode()).hexdigest()


def _use(model: Mapping) -> Iterator[str]:
    yield _PARTS.get(model["type"], f"A model of the class {model['type']}.")
    if model.get("coarse_source", {}).get("type") == "FromSample":
        yield "It has no coarse network: the coarse masks are given to it."
    yield ""
    yield "```python"
    yield "from ultraref.apis import UltraRefInferencer"
    yield ""
    coarse = ', coarse="masks/"' if model.get("coarse_source", {}).get("type") == "FromSample" else ""
    yield f'UltraRefInferencer("this folder")("images/"{coarse}, out_dir="predictions")'
    yield "```"
    yield ""
    command = "refine THIS_FOLDER images/ --coarse masks/" if coarse else "predict THIS_FOLDER images/"
    yield f"or `ultraref {command} --out predictions`."
    yield ""
    yield f"Written by ultraref {__version__}. Meant for research on segmentation: to compare with, to train on, to refine masks that a person"
    yield "then looks at. It was not examined as a medical device, and must not be what a diagnosis or a treatment rests on. Images of other"
    yield "machines, settings or people than those of the training data may give worse masks, and nothing in the output says so."


def _training_data(cfg: Config, provenance: Mapping) -> Iterator[str]:
    sets = list(cfg.get("sets") or ()) or ([cfg.set_name] if "set_name" in cfg else [])
    yield f"- Sets: {', '.join(sets) or 'not named by the config'}"
    if "fold" in cfg:
        yield f"- Fold held out: {'none' if cfg.fold is None else cfg.fold}"
    for name, digest in provenance["splits"].items():
        yield f"- Splits of {name}: hash `{digest}`"
    if not provenance["splits"]:
        yield "- Splits: their hash is not known, as the data were not there when this was written"
    hashes = provenance["trained_on"]
    if hashes:
        yield f"- Images that a part was trained on: {len(hashes)}, hash of their sorted sha256 `{digest_of(hashes)}`; config.json lists them,"
        yield "  so that ultraref refuses to evaluate on one of them. The images themselves are not in this folder."
    else:
        yield "- Images: the checkpoint doesn't say which"


def _weights(profiles: Mapping[str, Mapping]) -> Iterator[str]:
    if not profiles:
        yield "None: trained from scratch."
    for name, record in profiles.items():
        page = f", {record['page']}" if record.get("page") else ""
        note = f" ({record['note']})" if record.get("note") else ""
        yield f"- {record.get('title', name)}{page}{note}"
        if record.get("citation"):
            yield f"  {record['citation']}"


def _seen(cfg: Config, profiles: Mapping[str, Mapping]) -> Iterator[str]:
    if not profiles:
        yield "Nothing: there are none."
        return
    sets = dict.fromkeys([*(cfg.get("sets") or ()), *ULTRASOUND_SETS])
    yield from (f"- {line}" for line in describe_seen(weights_seen(profiles, sets)))


def _calibration(record: Mapping) -> Iterator[str]:
    yield f"{describe_calibration(record)}."
    yield f"**{PROMISE}.** Calibrate it there with `ultraref calibrate-gate`, which needs the checkpoint and images with masks."


def _results(checkpoint: Path) -> Iterator[str]:
    path = checkpoint.parent / "metrics.json"
    if not path.is_file():
        yield "None lay beside the checkpoint."
        return
    metrics = read_json(path, "file of metrics", finite=False)
    names = [name for name in OVERLAP_NAMES if any(f"test_{group}/{name}" in metrics for group in _GROUPS)]
    groups = [group for group in _GROUPS if any(f"test_{group}/{name}" in metrics for name in names)]
    if not names:
        yield "metrics.json beside the checkpoint holds none of a test."
        return
    yield "Of the test, mean over images:"
    yield ""
    yield f"| | {' | '.join(names)} |"
    yield f"|---|{'---|' * len(names)}"
    for group in groups:
        yield f"| {group} | {' | '.join(_number(metrics.get(f'test_{group}/{name}')) for name in names)} |"
    if path.stat().st_mtime < checkpoint.stat().st_mtime:
        yield ""
        yield "The file they come from, metrics.json, is older than the checkpoint: they may be of an earlier state of it."


def _number(value) -> str:
    return f"{value:.4f}" if isinstance(value, (int, float)) else ""


def _licence(profiles: Mapping[str, Mapping]) -> Iterator[str]:
    yield "- ultraref: Apache-2.0"
    for name, record in profiles.items():
        yield f"- {record.get('title', name)}: {record.get('licence', 'unknown')}"
    yield ""
    yield "Weights that were trained from others carry their terms. The licence of the training images is that of their sets."
