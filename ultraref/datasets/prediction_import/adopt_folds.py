"""Takes over the folds that nnU-Net has been trained with, before a set is converted."""

from dataclasses import replace

from ultraref.datasets.converters.assign_splits import TEST
from ultraref.datasets.converters.raw_sample import Found
from ultraref.datasets.prediction_import.name_matching import NameMatcher
from ultraref.datasets.prediction_import.nnunet_splits import NnunetSplits
from ultraref.datasets.prediction_import.source import listed
from ultraref.errors import UserError


def adopt_folds(found: Found, nnunet: NnunetSplits) -> Found:
    """Returns the samples, each in the fold that nnU-Net held it out in; those that nnU-Net doesn't have are test images.

    Cases find images by the rule of `NameMatcher`.

    Raises:
        UserError: a case is no sample, two are the same one, or one is held out in no fold.
    """
    matcher = NameMatcher(sample.name for sample in found.samples)
    folds: dict[str, int] = {}
    strange, problems = [], []
    for case in sorted(nnunet.cases):
        name, held_out = matcher.image_of(case), nnunet.held_out_in(case)
        if name is None:
            strange.append(case)
        elif name in folds:
            problems.append(f"case {case} is image {name}, as is another case")
        elif not held_out:
            problems.append(
                f"case {case} is held out in no fold, so that nothing says how a model does that hasn't seen it"
            )
        else:
            folds[name] = held_out[0]
    if strange:
        problems.append(
            f"{len(strange)} cases are no images with a mask here, or have another name: {listed(strange)}. An image has the name of its "
            "case, with or without _0000 at the end; take cases that are no images of this set out of a copy of the file"
        )
    if problems:
        raise UserError(
            f"{nnunet.path}: its folds can't be taken over:\n" + "\n".join(f"- {line}" for line in problems)
        )
    samples = [replace(sample, fold=folds.get(sample.name, TEST)) for sample in found.samples]
    return replace(found, samples=samples)
