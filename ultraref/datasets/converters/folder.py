"""Any folder of images and masks, found by templates of their paths."""

import os
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path

from ultraref.datasets.converters.choose_classes import choose_classes
from ultraref.datasets.converters.layout import drop_same_names, same_name
from ultraref.datasets.converters.mask_classes import LesionChoice, with_lesion_classes
from ultraref.datasets.converters.named_parts import sample_fields
from ultraref.datasets.converters.path_template import PathIndex, PathTemplate, comparable
from ultraref.datasets.converters.raw_sample import Found, RawSample, normalise_name
from ultraref.datasets.readers.open_source import SUFFIXES
from ultraref.errors import MissingFileError, UserError

# Where there is no partner, the nearest path is looked for among so many, for so many files: it takes milliseconds each.
_NEAR_AMONG, _NEAR_FOR = 500, 20
# Likeness (difflib's ratio) from which a path may be the one that was meant.
_NEAR = 0.8


def find_folder(
    src: str | Path,
    images: str = "images/{name}.*",
    masks: str = "masks/{name}.*",
    choice: LesionChoice | None = None,
) -> Found:
    """Finds images and masks by templates of their paths below SRC (`PathTemplate`).

    A mask is of the image with the same parts. The parts of the image's template, in their order, make its name, so that equal file names
    in several folders don't clash; patient, study, side, video, frame, class and split fill the fields of those names, and any other
    part is an attribute. Parts that only the masks' template has, and a * in it, tell several masks of one image apart, whose
    union is taken. What a mask of another image is is no image. Files of other formats, such as Thumbs.db, are neither.

    Args:
        src: the folder.
        images: template of the images.
        masks: template of their masks.
        choice: what the user says of the masks. Its classes are those of the part {class} where only the masks' template has it and
            one image has masks of several; otherwise they are labels in the files.

    Raises:
        MissingFileError: there is no such folder, or nothing fits a template, or no image has a mask; the nearest paths are shown.
        UserError: a template is none, a mask fits several images, there are several classes and none is chosen, or masks look inverted.
    """
    src, choice = Path(src), choice or LesionChoice()
    if not src.is_dir():
        raise MissingFileError(
            f"{src}: no such folder; give the one that the templates of --images and --masks are relative to"
        )
    image_template, mask_template = _templates(images, masks)
    own_parts = [name for name in mask_template.parts if name not in image_template.parts]
    several = bool(own_parts) or mask_template.has_wildcard
    paths = list_files(src)
    shown, bad = _told_apart(src, paths, image_template, mask_template)
    image_parts, strays = _fitting(image_template, shown)
    mask_parts, mask_strays = _fitting(mask_template, shown)
    for template, fitting in ((image_template, image_parts), (mask_template, mask_parts)):
        if not fitting:
            raise MissingFileError(
                f"{src}: no image file below it fits {template.flag} {template.text!r}; "
                + (f"nearest: {', '.join(_nearest(template.text, list(shown), 3))}" if shown else "it holds no files")
            )
    index = PathIndex(mask_parts)
    masks_of: dict[str, list[tuple[str, dict]]] = {}
    for path, parts in image_parts.items():
        masks_of[path] = [(mask, own) for mask, own in index.find(mask_template, parts) if mask != path]
    used = Counter(mask for its_masks in masks_of.values() for mask, _ in its_masks)
    _refuse_shared(used, masks_of, src, mask_template)
    wanted = _wanted_classes(masks_of, own_parts, choice.classes, src)
    # A file of both templates that has no partner is what the narrower one says.
    mask_is_narrower = mask_template.literal_length > image_template.literal_length
    samples, lonely, left_out = [], [], []
    for path, parts in image_parts.items():
        its_masks = masks_of[path]
        if path in used:
            continue
        if not its_masks:
            if path not in mask_parts or not mask_is_narrower:
                lonely.append(path)
        elif len(its_masks) > 1 and not several:
            listed = ", ".join(str(src / shown[mask]) for mask, _ in its_masks)
            bad.append(f"{src / shown[path]}: has {len(its_masks)} masks ({listed}); one is allowed")
        else:
            chosen = [(mask, own) for mask, own in its_masks if wanted is None or own["class"] in wanted]
            if chosen:
                samples.append(_sample(src, shown, path, parts, chosen))
            else:
                left_out.append(f"{src / shown[path]}: an image with masks of other classes only")
    free = [
        path
        for path in mask_parts
        if path not in used and (path not in image_parts or (mask_is_narrower and not masks_of[path]))
    ]
    if not samples and not bad:
        raise MissingFileError(_nothing_paired(src, lonely, free, image_parts, mask_template))
    left_out += [
        f"{src / shown[path]}: an image without a mask{_looked_for(path, image_parts, mask_template, free, place)}"
        for place, path in enumerate(lonely)
    ]
    left_out += [f"{src / shown[path]}: a mask without an image" for path in free]
    left_out += [f"{src / shown[path]}: not an image" for path in sorted({*strays, *mask_strays})]
    samples, same = drop_same_names(samples)
    found = Found(samples, sorted(left_out), bad + same, source=src)
    return with_lesion_classes(found, choice if wanted is None else replace(choice, classes=None))


def list_files(src: Path) -> list[str]:
    """Returns the relative paths of all files below a folder, sorted, through links to folders, but for hidden ones."""
    found, seen = [], set()
    for folder, folders, files in os.walk(src, followlinks=True):
        real = os.path.realpath(folder)
        if real in seen:  # a link to a folder above it
            folders.clear()
            continue
        seen.add(real)
        folders[:] = sorted(name for name in folders if not name.startswith(".") and name != "__MACOSX")
        relative = Path(folder).relative_to(src)
        found += [(relative / name).as_posix() for name in files if not name.startswith(".")]
    return sorted(found)


def _told_apart(
    src: Path, paths: Sequence[str], images: PathTemplate, masks: PathTemplate
) -> tuple[dict[str, str], list[str]]:
    """Returns the paths by their `comparable` form, and a message for each form of an image, or else of a mask, that several share."""
    shown: dict[str, list[str]] = {}
    for path in paths:
        shown.setdefault(comparable(path), []).append(path)
    several = {form: own for form, own in shown.items() if len(own) > 1}
    of_images = [parts for form in several if (parts := images.match(form)) is not None]
    bad = []
    for form, own in several.items():
        parts = masks.match(form) or {}
        # Masks of such images go with them.
        is_told = any(all(parts[n] == each[n] for n in parts.keys() & each.keys()) for each in of_images)
        if images.match(form) is not None or (parts and not is_told):
            bad.append(same_name([src / path for path in own], normalise_name(Path(form).stem)))
    return {form: own[0] for form, own in shown.items() if len(own) == 1}, bad


def _templates(images: str, masks: str) -> tuple[PathTemplate, PathTemplate]:
    image_template, mask_template = PathTemplate(images, "--images"), PathTemplate(masks, "--masks")
    if not set(image_template.parts) & set(mask_template.parts):
        raise UserError(
            f"--images {images!r} and --masks {masks!r}: have no named part in common, which would tell whose a mask is; name it in "
            "both, as in 'images/{name}.png' and 'masks/{name}.png'"
        )
    if image_template.text == mask_template.text:
        raise UserError(f"--images and --masks are both {images!r}; images and masks have different paths")
    return image_template, mask_template


def _fitting(template: PathTemplate, shown: Mapping[str, str]) -> tuple[dict[str, dict[str, str]], list[str]]:
    """Returns the parts of the files that fit by path, and the paths that fit but are no image files by their suffix."""
    fitting, strays = {}, []
    for path in shown:
        parts = template.match(path)
        if parts is not None:
            if _is_image(path) or template.spells_suffix(path):
                fitting[path] = parts
            else:
                strays.append(path)
    return fitting, strays


def _is_image(path: str) -> bool:
    """Whether the suffix is that of an image, or there is none: DICOM files are often called by a number."""
    name = path.rsplit("/", 1)[-1].lower()
    return name.endswith(SUFFIXES) or not re.search(r"\.[a-z]\w*$", name)


def _refuse_shared(used: Counter, masks_of: Mapping[str, list], src: Path, template: PathTemplate) -> None:
    shared = sorted(mask for mask, count in used.items() if count > 1)
    if shared:
        owners = [image for image, its_masks in masks_of.items() if shared[0] in dict(its_masks)]
        raise UserError(
            f"{src / shared[0]}: fits {len(owners)} images by {template.flag} {template.text!r}, {', '.join(owners[:3])}; make the "
            "template narrower"
        )


def _wanted_classes(masks_of, own_parts, classes, src) -> list[str] | None:
    """Returns the classes that are lesion where the masks' template tells masks of one image apart by class; None otherwise."""
    if "class" not in own_parts:
        return None
    if classes is None and all(len({own["class"] for _, own in its_masks}) < 2 for its_masks in masks_of.values()):
        return None
    counts = Counter(own["class"] for its_masks in masks_of.values() for _, own in its_masks)
    return choose_classes(dict(sorted(counts.items())), classes, f"{src}: masks by {{class}}")


def _sample(src: Path, shown: Mapping[str, str], path: str, parts: Mapping[str, str], its_masks) -> RawSample:
    together: dict[str, list[str]] = {}
    for _, own in its_masks:
        for name, text in own.items():
            together.setdefault(name, []).append(text)
    everything = {**parts, **{name: "+".join(sorted(set(texts))) for name, texts in together.items()}}
    return RawSample(
        "_".join(normalise_name(text) for text in parts.values()),
        src / shown[path],
        tuple(src / shown[mask] for mask, _ in its_masks),
        **sample_fields(everything, str(src / shown[path])),
    )


def _nearest(wanted: str, among: Sequence[str], count: int) -> list[str]:
    return get_close_matches(wanted, among[:_NEAR_AMONG], n=count, cutoff=0.0)


def _looked_for(path: str, image_parts, template: PathTemplate, free: list[str], place: int) -> str:
    """Returns what mask was looked for, and the nearest that no image has."""
    wanted = template.filled(image_parts[path])
    near = get_close_matches(wanted, free[:_NEAR_AMONG], n=1, cutoff=_NEAR) if place < _NEAR_FOR else []
    return f" {wanted}" + (f" (nearest: {near[0]})" if near else "")


def _nothing_paired(src: Path, lonely, free, image_parts, template: PathTemplate) -> str:
    message = f"{src}: {len(image_parts)} images and {len(free)} masks fit the templates, but no mask is of an image"
    if lonely:
        wanted = template.filled(image_parts[lonely[0]])
        near = _nearest(wanted, free, 3)
        message += f"; for {lonely[0]} {wanted!r} was looked for" + (
            f", and nearest are {', '.join(near)}" if near else ""
        )
    return message
