"""Finds folders and files of published archives: nested one level deeper, in any case, with stray files between."""

from collections.abc import Callable, Iterable
from pathlib import Path

from ultraref.datasets.converters.raw_sample import RawSample, normalise_name
from ultraref.datasets.image_io import IMAGE_SUFFIXES
from ultraref.errors import MissingFileError


def find_root(src: str | Path, wanted: Iterable[str], dataset: str) -> dict[str, Path]:
    """Finds the folder that holds all of `wanted`: SRC or a folder in it.

    Args:
        src: folder of the unpacked archive.
        wanted: relative paths, e.g. "All/images"; letter case doesn't matter.
        dataset: name for messages.

    Returns:
        The paths by what was wanted.

    Raises:
        FileNotFoundError: there is no such folder, or what was wanted isn't in it.
    """
    src, wanted = Path(src), list(wanted)
    if not src.is_dir():
        raise MissingFileError(f"{src}: no such folder; give the folder that holds {', '.join(wanted)}")
    for root in (src, *sorted(path for path in src.iterdir() if path.is_dir())):
        found = {name: resolve(root, name) for name in wanted}
        if all(found.values()):
            return found
    raise MissingFileError(f"{src}: neither it nor a folder in it holds {', '.join(wanted)} of {dataset}")


def resolve(root: Path, relative: str) -> Path | None:
    """Returns ROOT/RELATIVE whatever the letter case, or None where it isn't there."""
    for part in relative.split("/"):
        if not root.is_dir():
            return None
        matches = sorted(path for path in root.iterdir() if path.name.lower() == part.lower())
        if not matches:
            return None
        root = next((path for path in matches if path.name == part), matches[0])
    return root


def list_images(folder: Path, suffixes: tuple[str, ...] = IMAGE_SUFFIXES) -> tuple[list[Path], list[str]]:
    """Returns the image files of a folder, sorted, and a message for everything else in it."""
    images, left_out = [], []
    for path in sorted(folder.iterdir()):
        if path.is_file() and path.suffix.lower() in suffixes and not path.name.startswith("."):
            images.append(path)
        else:
            left_out.append(f"{path}: not an image ({', '.join(suffixes)})")
    return images, left_out


def pair_files(
    images: list[Path], masks: list[Path], mask_key: Callable[[str], str] = normalise_name
) -> tuple[list[tuple[str, Path, Path]], list[str], list[str]]:
    """Pairs images and masks, one mask an image.

    Args:
        images: image files.
        masks: mask files.
        mask_key: from a mask's stem to the normalised name of its image.

    Returns:
        (name, image, mask) for each pair, messages about files without a partner, and messages about images that have
        several masks or share their normalised name; none of those is in a pair.
    """
    image_of, mask_of = _by_key(images, normalise_name), _by_key(masks, mask_key)
    pairs, left_out, bad = [], [], []
    for name in sorted(image_of.keys() | mask_of.keys()):
        own, its_masks = image_of.get(name, []), mask_of.get(name, [])
        if not own:
            left_out += [f"{path}: a mask without an image" for path in its_masks]
        elif len(own) > 1:
            bad.append(same_name(own, name))
        elif len(its_masks) > 1:
            bad.append(f"{own[0]}: has {len(its_masks)} masks ({', '.join(map(str, its_masks))}); one is allowed")
        elif not its_masks:
            left_out.append(f"{own[0]}: an image without a mask")
        else:
            pairs.append((name, own[0], its_masks[0]))
    return pairs, left_out, bad


def drop_same_names(samples: list[RawSample]) -> tuple[list[RawSample], list[str]]:
    """Returns the samples whose name is theirs alone, sorted, and a message for each name that several have."""
    by_name: dict[str, list[RawSample]] = {}
    for sample in samples:
        by_name.setdefault(sample.name, []).append(sample)
    bad = [same_name([s.image_path for s in own], name) for name, own in sorted(by_name.items()) if len(own) > 1]
    return [own[0] for _, own in sorted(by_name.items()) if len(own) == 1], bad


def same_name(paths: list[Path], name: str) -> str:
    """Returns the message about images that get one name."""
    return f"{' and '.join(map(str, paths))} get the same name {name!r}; rename or remove all but one"


def _by_key(paths: list[Path], key: Callable[[str], str]) -> dict[str, list[Path]]:
    result: dict[str, list[Path]] = {}
    for path in paths:
        result.setdefault(key(path.stem), []).append(path)
    return result
