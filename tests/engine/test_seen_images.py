"""Which images a model was trained on: equal files, copies of other sets, and nothing read where the split is the same."""

import torch

from ultraref import provenance
from ultraref.datasets import LesionDataset
from ultraref.datasets.fingerprints import fingerprints_of, seen_images
from ultraref.engine.seen_images import Seen, find_seen


def model_of(dataset, **meta) -> torch.nn.Module:
    """A model of which a checkpoint says that it was trained on a data set."""
    model = torch.nn.Linear(1, 1)
    own = dict(trained_on=dataset.image_hashes.values(), seen_images=seen_images(fingerprints_of(dataset)), profiles={})
    provenance.record_checkpoint(model, "first.pth", {**own, **meta})
    return model


def test_every_copy_at_another_size_is_found_under_its_name(phantom_root, larger_phantoms):
    trained = LesionDataset(str(phantom_root))
    names = [*trained.splits.images]
    for split in ("train", "test"):
        evaluated = LesionDataset(str(larger_phantoms), split)
        # `larger_phantoms` numbers them in the order of the names.
        copies = {f"large/{name}": names[int(name.removeprefix("case"))] for name in evaluated.names}
        copies = {name: of for name, of in copies.items() if of in trained.names}
        seen = find_seen(model_of(trained), evaluated)
        assert seen.names == copies.keys()
        assert seen.by_source == {
            "first.pth": tuple(f"{name} (a copy of phantoms/{of})" for name, of in sorted(copies.items()))
        }


def test_equal_files_are_found_without_hashes_and_the_note_says_what_is_not(phantom_root, larger_phantoms, monkeypatch):
    logged = []
    monkeypatch.setattr("ultraref.engine.seen_images.print_log", lambda text, **options: logged.append(text))
    trained = LesionDataset(str(phantom_root), fold=0)
    model = model_of(trained, seen_images=None)
    assert find_seen(model, LesionDataset(str(phantom_root), "val", 1)).names == set(
        LesionDataset(str(phantom_root), "val", 1).names
    )
    assert find_seen(model, LesionDataset(str(larger_phantoms), "test")) == Seen(frozenset(), {}, ())
    assert all("first.pth was written by an older version" in line for line in logged)
    assert len(logged) == 2


def test_parts_of_one_split_are_told_apart_without_reading_an_image(phantom_root, monkeypatch):
    model = model_of(LesionDataset(str(phantom_root), fold=0))
    monkeypatch.setattr("ultraref.engine.seen_images.fingerprints_of", None)
    assert find_seen(model, LesionDataset(str(phantom_root), "val", 0)) == Seen(frozenset(), {}, ())


def test_the_first_few_of_each_source_are_described():
    told = tuple(f"image{number}" for number in range(7))
    seen = Seen(frozenset(told), {"a.pth": told, "b.pth": told[:1]}, ())
    assert seen.describe() == "a.pth: image0, image1, image2, image3, image4 and 2 more\n  b.pth: image0"
