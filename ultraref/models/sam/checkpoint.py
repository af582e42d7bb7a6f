"""Reading SAM's weights from the files that are around, and saying clearly what doesn't fit."""

from pathlib import Path

import torch
from torch import Tensor, nn

from ultraref.models.sam.arch import ARCHS, describe
from ultraref.models.sam.attention import resize_rel_pos
from ultraref.models.sam.image_encoder import resize_pos_embed
from ultraref.models.sam.lora import is_lora_key

ANCHOR = "image_encoder.patch_embed.proj.weight"
# Constants that some files hold; the data preprocessor normalises here.
IGNORED = ("pixel_mean", "pixel_std")
SOURCES = """Published files:
  vit_b  https://dl.fbaipublicfiles.com/segment_anything/sam_vit_b_01ec64.pth
  vit_l  https://dl.fbaipublicfiles.com/segment_anything/sam_vit_l_0b3195.pth
  vit_h  https://dl.fbaipublicfiles.com/segment_anything/sam_vit_h_4b8939.pth
  MedSAM (vit_b)  medsam_vit_b.pth, linked from https://github.com/bowang-lab/MedSAM"""


def load_sam_checkpoint(sam: nn.Module, path: str | Path) -> None:
    """Loads SAM's weights, strictly.

    Reads what `segment_anything` publishes, MedSAM's file, and training checkpoints that nest the weights under `model`
    or `state_dict` or put a prefix such as `module.` or `sam.` before the keys. Only tensors and plain containers are
    unpickled. Position embeddings of another image size are resized: pos_embed bicubic, rel_pos linearly, as the
    encoder does at run time.

    Args:
        sam: with the attributes and state-dict keys of ultraref's SAM.
        path: the file.

    Raises:
        FileNotFoundError: there is no such file; the message says where to get the published ones.
        ValueError: the file isn't SAM's, or is of another architecture.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"SAM checkpoint {path} does not exist.\n{SOURCES}")
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        raise ValueError(f"SAM checkpoint {path} can't be read as weights: {error}") from error
    state = find_sam_weights(content, path)
    own = sam.state_dict()
    state = _resize_positions(state, own)
    # A published file has no adapters; they then stay at their start, the identity.
    optional = set() if any(map(is_lora_key, state)) else set(filter(is_lora_key, own))
    missing = [k for k in own if k not in state and k not in optional]
    unexpected = [k for k in state if k not in own]
    misshapen = [k for k in state if k in own and state[k].shape != own[k].shape]
    if missing or unexpected or misshapen:
        raise ValueError(_complaint(sam, path, state, own, missing, unexpected, misshapen))
    sam.load_state_dict(state, strict=False)


def find_sam_weights(content: object, path: str | Path) -> dict[str, Tensor]:
    """Finds SAM's state dict in what a file held.

    Raises:
        ValueError: no key ends with the name of SAM's first layer.
    """
    for name in ("state_dict", "model"):
        if isinstance(content, dict) and isinstance(content.get(name), dict):
            content = content[name]
    keys = [k for k in content if isinstance(k, str)] if isinstance(content, dict) else []
    anchors = [k for k in keys if k == ANCHOR or k.endswith(f".{ANCHOR}")]
    if not anchors:
        shown = ", ".join(keys[:5]) or type(content).__name__
        raise ValueError(f"{path} is not a SAM checkpoint: no key ends with {ANCHOR!r}. It holds {shown}")
    prefix = anchors[0][: -len(ANCHOR)]
    # Keys outside of the prefix `...sam.` belong to another part of a larger model.
    foreign = () if "sam." in prefix else tuple(k for k in keys if not k.startswith(prefix))
    state = {k[len(prefix) :]: content[k] for k in keys if k.startswith(prefix)}
    state.update({k: content[k] for k in foreign})
    return {k: v for k, v in state.items() if k not in IGNORED}


def guess_arch(state: dict[str, Tensor]) -> str:
    """Names the architecture of a state dict from its shapes."""
    embed_dim, _, patch_size, _ = state[ANCHOR].shape
    depth = len({k.split(".")[2] for k in state if k.startswith("image_encoder.blocks.")})
    positions = state.get("image_encoder.pos_embed")
    size = "" if positions is None else f" at {positions.shape[1] * patch_size} px"
    for name, arch in ARCHS.items():
        if (arch.embed_dim, arch.depth, arch.patch_size) == (embed_dim, depth, patch_size):
            return f"arch={name!r}{size}"
    return f"an encoder with embed_dim={embed_dim}, depth={depth}, patch_size={patch_size}{size}"


def _resize_positions(state: dict[str, Tensor], own: dict[str, Tensor]) -> dict[str, Tensor]:
    state = dict(state)
    for key, value in state.items():
        target = own.get(key)
        if target is None or target.shape == value.shape or target.shape[-1] != value.shape[-1]:
            continue
        if key.endswith("pos_embed"):
            state[key] = resize_pos_embed(value, target.shape[1:3])
        elif key.endswith(("rel_pos_h", "rel_pos_w")):
            state[key] = resize_rel_pos(value, (target.shape[0] + 1) // 2)
    return state


def _complaint(sam, path, state, own, missing, unexpected, misshapen) -> str:
    lines = [f"{path} does not fit this SAM, {describe(sam.arch)}; the file looks like {guess_arch(state)}."]
    for title, keys in (("missing", missing), ("unexpected", unexpected)):
        if keys:
            lines.append(f"  {len(keys)} {title} keys: {', '.join(keys[:5])}{', ...' if len(keys) > 5 else ''}")
    if misshapen:
        shown = [f"{k} is {tuple(state[k].shape)}, wanted {tuple(own[k].shape)}" for k in misshapen[:5]]
        lines.append(
            f"  {len(misshapen)} keys of another shape: {'; '.join(shown)}{' ...' if len(misshapen) > 5 else ''}"
        )
    if any(map(is_lora_key, unexpected)):
        lines.append("  The file holds LoRA adapters: give SAM the `lora` settings that it was trained with.")
    return "\n".join(lines)
