"""A disk cache of image embeddings, for an encoder that doesn't train and images that don't change."""

import hashlib
import io
import json
import warnings
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ultraref.atomic import atomic_file
from ultraref.errors import UserError
from ultraref.models.sam.fingerprint import KeptFingerprint
from ultraref.models.sam.image_embedding import ImageEmbedding
from ultraref.models.sam.sam import SAM

# Raise it when the encoder's function or the files' layout changes.
FORMAT = 2
CHECKSUM_BYTES = 4


class EmbeddingCache:
    """Keeps image embeddings as files, found by image, padding, normalisation, encoder, weights and precision.

    A file is a .npy array (e, e, C) with a CRC-32 of it behind. Files appear by renaming, so that several workers and
    ranks can share the folder; two that miss the same entry write the same thing twice. Files are read without pickle.

    Whether caching is legal at all (no crop and no geometric augmentation before the encoder) is for the caller to
    check; what can be seen here, a training encoder, is refused.

    Args:
        root: folder of the cache, made if need be.
    """

    def __init__(self, root: str | Path):
        self.root = Path(root)
        self._fingerprint = KeptFingerprint()

    def encode(
        self, sam: SAM, image: Tensor, image_hashes: Sequence[str], content_size: Tensor | None = None
    ) -> ImageEmbedding:
        """Returns what `sam.encode(sam.normalise(image, content_size))` would, from the cache where it is there.

        The encoder runs once, on the images that are missed, without an autograd graph.

        Args:
            sam: its image encoder must not train, and have `features` alone.
            image: (B, 3, S, S) RGB in [0, 255], as for `sam.normalise`.
            image_hashes: B hashes of the images' contents.
            content_size: (B, 2) integer (height, width) of what is not padding; None where nothing is.

        Returns:
            `features` (B, C, e, e), channels-last in memory, on the image's device, in the dtype of the encoder's weights:
            under autocast fp32, which holds the narrower values exactly.

        Raises:
            ValueError: the encoder trains, or there isn't one hash for each image.
        """
        trained = [n for n, p in sam.image_encoder.named_parameters() if p.requires_grad]
        if trained:
            raise UserError(
                f"the embedding cache needs a frozen image encoder, but {len(trained)} of its parameters train, first "
                f"{trained[0]}: their embeddings change at every step. Freeze image_encoder, or drop the cache"
            )
        if len(image_hashes) != len(image) or not all(isinstance(h, str) and h for h in image_hashes):
            raise UserError(
                f"the embedding cache needs one content hash for each of {len(image)} images, but got "
                f"{list(image_hashes)}. The dataset puts it into the metainfo as `image_hash`"
            )
        sizes = [tuple(image.shape[-2:])] * len(image) if content_size is None else content_size.tolist()
        paths = [self._path(sam, image, *item) for item in zip(image_hashes, sizes)]
        found = {path: self._read(path) for path in set(paths)}
        missed = [path for path in dict.fromkeys(paths) if found[path] is None]
        if missed:
            rows = [paths.index(path) for path in missed]
            with torch.no_grad():
                normalised = sam.normalise(image[rows], None if content_size is None else content_size[rows])
                encoded = sam.encode(normalised)
            if encoded.high_resolution:
                raise UserError(
                    f"the embedding cache keeps one map an image, but {type(sam.image_encoder).__name__} gives finer ones as well; "
                    "set embedding_cache=None"
                )
            embeddings = encoded.features.permute(0, 2, 3, 1)
            for path, embedding in zip(missed, embeddings):
                found[path] = embedding
                self._write(path, embedding)
        dtype = next(sam.image_encoder.parameters()).dtype
        features = torch.stack([found[path].to(image.device, dtype) for path in paths]).permute(0, 3, 1, 2)
        return ImageEmbedding(features)

    def _path(self, sam: SAM, image: Tensor, image_hash: str, content: Sequence[int]) -> Path:
        device, encoder = image.device.type, sam.image_encoder
        parts = {
            "format": FORMAT,
            "image": image_hash,
            "content": list(content),
            "normalisation": encoder.describe_normalisation(),
            "encoder": encoder.describe(),
            "weights": self._fingerprint.of(encoder),
            "precision": str(torch.get_autocast_dtype(device)) if torch.is_autocast_enabled(device) else "as weights",
        }
        key = hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
        return self.root / key[:2] / f"{key}.npy"

    def _read(self, path: Path) -> Tensor | None:
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            return None
        array, checksum = content[:-CHECKSUM_BYTES], content[-CHECKSUM_BYTES:]
        try:
            if zlib.crc32(array).to_bytes(CHECKSUM_BYTES, "big") != checksum:
                raise ValueError("its checksum is wrong")
            return torch.from_numpy(np.lib.format.read_array(io.BytesIO(array), allow_pickle=False))
        except ValueError as error:
            warnings.warn(f"embedding cache: {path} is damaged; its embedding is computed again: {error}", stacklevel=3)
            return None

    def _write(self, path: Path, embedding: Tensor) -> None:
        # NumPy has no bf16, and fp32 holds both narrow types exactly.
        stored = embedding.to("cpu", torch.promote_types(embedding.dtype, torch.float32)).contiguous()
        buffer = io.BytesIO()
        np.lib.format.write_array(buffer, stored.numpy(), allow_pickle=False)
        content = buffer.getvalue()
        # A file that a power cut damaged is found by its checksum, so nothing waits for the disk.
        with atomic_file(path, durable=False) as file:
            file.write(content + zlib.crc32(content).to_bytes(CHECKSUM_BYTES, "big"))
