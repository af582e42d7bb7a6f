import warnings
import zlib
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch

from ultraref.models.sam import SAM, EmbeddingCache
from ultraref.registry import MODELS
from ultraref.testing.tiny_models import tiny_sam

HASHES = ["a" * 64, "b" * 64, "c" * 64]


class CountingSAM(SAM):
    """Counts the images that reach the encoder."""

    encoded = 0

    def encode(self, image):
        self.encoded += len(image)
        return super().encode(image)


def build(scale="imagenet", **options):
    torch.manual_seed(0)
    config = tiny_sam(64, freeze=("image_encoder",), **options)
    del config["type"]
    config["image_encoder"]["scale"] = scale
    return CountingSAM(**config).eval()


def encode(sam, image, content_size=None):
    """The embedding's features, without the cache and its counting."""
    return SAM.encode(sam, sam.normalise(image, content_size)).features


@pytest.fixture
def sam():
    return build()


@pytest.fixture
def image():
    return torch.rand(3, 3, 64, 64, generator=torch.Generator().manual_seed(0)) * 255


def entries(root):
    return sorted(root.rglob("*.npy"))


def test_hit_equals_miss_and_skips_the_encoder(sam, image, tmp_path):
    expected = encode(sam, image)
    cache = EmbeddingCache(tmp_path)
    for _ in range(2):
        embedding = cache.encode(sam, image, HASHES).features
        assert torch.equal(embedding, expected)
        assert embedding.is_contiguous(memory_format=torch.channels_last)
        assert not embedding.requires_grad
    assert sam.encoded == 3
    assert len(entries(tmp_path)) == 3


def test_only_what_is_missed_is_encoded(sam, image, tmp_path):
    expected = encode(sam, image)
    EmbeddingCache(tmp_path).encode(sam, image[1:2], HASHES[1:2])
    embedding = EmbeddingCache(tmp_path).encode(sam, image, HASHES).features
    torch.testing.assert_close(embedding, expected)
    assert sam.encoded == 3


def test_one_image_twice_in_a_batch_is_encoded_once(sam, image, tmp_path):
    twice = image[[0, 1, 0]]
    embedding = EmbeddingCache(tmp_path).encode(sam, twice, [HASHES[0], HASHES[1], HASHES[0]]).features
    torch.testing.assert_close(embedding, encode(sam, twice))
    assert sam.encoded == 2


def test_other_scales_and_other_padding_never_share_an_entry(sam, image, tmp_path):
    cache = EmbeddingCache(tmp_path)
    cache.encode(sam, image, HASHES)
    minmax = build("minmax")
    assert all(torch.equal(a, b) for a, b in zip(sam.state_dict().values(), minmax.state_dict().values()))
    assert torch.equal(cache.encode(minmax, image, HASHES).features, encode(minmax, image))
    assert len(entries(tmp_path)) == 6
    # The same bytes, of which another part is padding: rows 0 and 1 are new, and row 2 is known.
    content = torch.tensor([[48, 64], [64, 48], [64, 64]])
    padded = cache.encode(minmax, image, HASHES, content).features
    torch.testing.assert_close(padded, encode(minmax, image, content))
    assert minmax.encoded == 5
    assert len(entries(tmp_path)) == 8
    assert torch.equal(cache.encode(minmax, image, HASHES, content).features, padded)
    assert minmax.encoded == 5


def test_key_holds_image_weights_and_precision(sam, image, tmp_path):
    cache = EmbeddingCache(tmp_path)
    cache.encode(sam, image, HASHES)
    cache.encode(sam, image, [h[::-1] + "d" for h in HASHES])
    assert sam.encoded == 6
    with torch.autocast("cpu", dtype=torch.bfloat16):
        narrow = cache.encode(sam, image, HASHES).features
        assert torch.equal(narrow, encode(sam, image).float())
    assert sam.encoded == 9
    with torch.no_grad():
        sam.image_encoder.blocks[0].attn.qkv.bias.add_(1)
    assert torch.equal(cache.encode(sam, image, HASHES).features, encode(sam, image))
    assert sam.encoded == 12
    # The decoder's weights are no part of it.
    with torch.no_grad():
        sam.mask_decoder.iou_token.weight.add_(1)
    cache.encode(sam, image, HASHES)
    assert sam.encoded == 12


@pytest.mark.parametrize("damage", ["cut", "flipped", "empty"])
def test_damaged_entry_is_computed_again_with_a_warning(sam, image, tmp_path, damage):
    cache = EmbeddingCache(tmp_path)
    expected = cache.encode(sam, image, HASHES).features
    path = entries(tmp_path)[0]
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes({"cut": content[:-100], "flipped": content, "empty": b""}[damage])
    with pytest.warns(UserWarning, match="damaged; its embedding is computed again"):
        torch.testing.assert_close(cache.encode(sam, image, HASHES).features, expected)
    assert sam.encoded == 4
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        cache.encode(sam, image, HASHES)


def test_pickled_entries_are_not_run(sam, image, tmp_path):
    cache = EmbeddingCache(tmp_path)
    cache.encode(sam, image, HASHES)
    path = entries(tmp_path)[0]
    with path.open("wb") as file:
        np.save(file, np.array([{"a": 1}], dtype=object), allow_pickle=True)
    content = path.read_bytes()
    path.write_bytes(content + zlib.crc32(content).to_bytes(4, "big"))
    with pytest.warns(UserWarning, match="damaged"):
        cache.encode(sam, image, HASHES)


def test_many_writers_leave_whole_entries_and_nothing_else(sam, image, tmp_path):
    def encode_again(_):
        return EmbeddingCache(tmp_path).encode(sam, image, HASHES).features

    with warnings.catch_warnings(), ThreadPoolExecutor(8) as pool:
        warnings.simplefilter("error")
        results = list(pool.map(encode_again, range(16)))
    expected = encode(sam, image)
    for result in results:
        torch.testing.assert_close(result, expected)
    assert len(entries(tmp_path)) == len([p for p in tmp_path.rglob("*") if p.is_file()]) == 3


def test_training_encoder_is_refused(sam, image, tmp_path):
    for trained in (MODELS.build(tiny_sam(64)), build(lora={"rank": 2})):
        with pytest.raises(ValueError, match=r"needs a frozen image encoder, but .* of its parameters train"):
            EmbeddingCache(tmp_path).encode(trained, image, HASHES)


@pytest.mark.parametrize("hashes", [HASHES[:2], [None] * 3, ["", "b", "c"]])
def test_hashes_must_be_there(sam, image, tmp_path, hashes):
    with pytest.raises(ValueError, match="one content hash for each of 3 images"):
        EmbeddingCache(tmp_path).encode(sam, image, hashes)
