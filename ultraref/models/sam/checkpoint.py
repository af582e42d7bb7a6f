"""Reading SAM's weights from the files that are around, and saying clearly what doesn't fit."""

from pathlib import Path

from torch import Tensor, nn

from ultraref import provenance
from ultraref.checkpoint import load_weights_file
from ultraref.errors import MissingFileError, UserError
from ultraref.models.checkpoint_loading import load_strictly
from ultraref.models.sam.image_encoders import BaseImageEncoder
from ultraref.models.sam.lora import is_lora_key
from ultraref.models.weights import PROFILES, WeightsProfile, WeightsUse, check_use, find_profile, note_weights
from ultraref.registry import MODELS

ENCODER = "image_encoder."
# Constants that some files hold; the image encoder has its own.
IGNORED = ("pixel_mean", "pixel_std")
# The published files that an image encoder of SAM takes, and where they are described.
SOURCES = "Published files, which python tools/get_weights.py get NAME fetches:\n" + "\n".join(
    f"  {p.name}: {p.title} ({p.encoder} {p.arch})  {p.page}" for p in PROFILES if p.encoder and p.scale
)


def load_sam_checkpoint(sam: nn.Module, path: str | Path) -> WeightsProfile | None:
    """Loads SAM's weights, strictly, and notes on it where they come from (`ultraref.provenance`).

    Reads what `segment_anything` publishes, MedSAM's file, and training checkpoints that nest the weights under `model`
    or `state_dict` or put a prefix such as `module.` or `sam.` before the keys. Only tensors and plain containers are
    unpickled. The image encoder adapts its part, as to another image size.

    Args:
        sam: with the parts and state-dict keys of ultraref's SAM.
        path: the file.

    Returns:
        The record of the published weights; None where the file isn't one of them.

    Raises:
        FileNotFoundError: there is no such file; the message says where to get the published ones.
        ValueError: the file isn't SAM's, is of another architecture, or is a published one whose images are scaled in
            another way than this SAM's, or that no image encoder here takes.
    """
    path = Path(path)
    if not path.is_file():
        raise MissingFileError(f"SAM checkpoint {path} does not exist.\n{SOURCES}")
    profile = find_profile(path)
    if profile is not None and profile.encoder is None:
        seen = ", ".join(name for name, seen in profile.seen.items() if seen.state == "seen")
        raise UserError(
            f"{path} holds weights of {profile.title}, for which this toolkit has no image encoder: {profile.no_encoder}"
            f". They have seen {seen}.\n{SOURCES}"
        )
    content = load_weights_file(path)
    encoder = sam.image_encoder
    state = find_sam_weights(content, path, encoder)
    rest = {key: value for key, value in state.items() if not key.startswith(ENCODER)}
    adapted = encoder.adapt_state(_encoder_part(state))
    state = {**{ENCODER + key: value for key, value in adapted.items()}, **rest}
    if profile is not None:
        check_use(profile, WeightsUse(scale=encoder.scale), path)
    own = sam.state_dict()
    # A published file has no adapters; they then stay at their start, the identity.
    has_adapters = any(map(is_lora_key, state))
    hint = f"The file looks like {encoder.guess_arch(_encoder_part(state))}."
    if has_adapters and not any(map(is_lora_key, own)):
        hint += " It holds LoRA adapters: give SAM the `lora` settings that it was trained with."
    optional = () if has_adapters else set(filter(is_lora_key, own))
    load_strictly(sam, state, path, target=f"this SAM, {encoder.describe()}", optional=optional, hint=hint)
    meta = content.get("meta") if isinstance(content, dict) else None
    if isinstance(meta, dict) and "trained_on" in meta:
        # SAM from a checkpoint of this package: it was trained on since, and is no published file any more.
        provenance.record_checkpoint(sam, str(path), meta)
        return None
    note_weights(sam, path)
    return profile


def find_sam_weights(content: object, path: str | Path, encoder: BaseImageEncoder) -> dict[str, Tensor]:
    """Finds SAM's state dict in what a file held.

    Raises:
        ValueError: no key ends with the anchor of the image encoder.
    """
    for name in ("state_dict", "model"):
        if isinstance(content, dict) and isinstance(content.get(name), dict):
            content = content[name]
    keys = [k for k in content if isinstance(k, str)] if isinstance(content, dict) else []
    state = _below_anchor(content, keys, ENCODER + encoder.anchor)
    if state is None:
        for kind in _encoder_kinds():
            other = _below_anchor(content, keys, ENCODER + kind.anchor)
            if other is not None:
                raise UserError(
                    f"{path} holds another image encoder, {kind.guess_arch(_encoder_part(other))}; this SAM's is "
                    f"{encoder.describe()}. Set image_encoder.type={kind.__name__!r} in the SAM's config, or take another "
                    "file"
                )
        shown = ", ".join(keys[:5]) or type(content).__name__
        raise UserError(
            f"{path} is not a SAM checkpoint: no key ends with {ENCODER + encoder.anchor!r}. It holds {shown}"
        )
    return state


def _below_anchor(content: dict, keys: list[str], anchor: str) -> dict[str, Tensor] | None:
    """Returns the state dict that holds an anchor, without its keys' prefix, or None if there is no anchor."""
    anchors = [k for k in keys if k == anchor or k.endswith(f".{anchor}")]
    if not anchors:
        return None
    prefix = anchors[0][: -len(anchor)]
    # Keys outside of the prefix `...sam.` belong to another part of a larger model.
    foreign = () if "sam." in prefix else tuple(k for k in keys if not k.startswith(prefix))
    state = {k[len(prefix) :]: content[k] for k in keys if k.startswith(prefix)}
    state.update({k: content[k] for k in foreign})
    return {k: v for k, v in state.items() if k not in IGNORED}


def _encoder_kinds() -> list[type[BaseImageEncoder]]:
    """Returns the registered image encoders."""
    kinds = MODELS.module_dict.values()
    return [kind for kind in kinds if isinstance(kind, type) and issubclass(kind, BaseImageEncoder)]


def _encoder_part(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Returns the image encoder's part of SAM's state dict, under the encoder's own keys."""
    return {key[len(ENCODER) :]: value for key, value in state.items() if key.startswith(ENCODER)}
