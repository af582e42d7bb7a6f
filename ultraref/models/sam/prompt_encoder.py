"""SAM's prompt encoder for a batch of images, with labels between background and foreground."""

import math

import torch
from segment_anything.modeling import PromptEncoder as PublishedPromptEncoder
from torch import Tensor
from torch.nn import functional as F

from ultraref.errors import UserError
from ultraref.models.sam.layer_norm import layer_norm_channels_last
from ultraref.structures import Prompts

PADDING_LABEL = -1.0


class PromptEncoder(PublishedPromptEncoder):
    """The package's prompt encoder, same weights and values, as tokens.

    What differs: points take a label between 0 and 1; points and boxes are encoded in fp32 (float64 stays float64)
    with autocast off, because a bf16 coordinate is a pixel off; nothing waits for the device; and embeddings come as
    tokens, (B, N, C), because the decoder works on those.
    """

    def forward(self, prompts: Prompts, batch_size: int) -> tuple[Tensor, Tensor]:
        """Encodes the prompts of B images.

        Args:
            prompts: in pixels of SAM's input image.
            batch_size: B, which prompts that are all absent don't tell.

        Returns:
            sparse (B, N, C), N being 0, the points (and one padding point if there is no box), and 2 for a box; and
            dense (B or 1, e * e, C), row by row.

        Raises:
            ValueError: a prompt is not of B images, or the mask prompt hasn't SAM's mask size.
        """
        self._check(prompts, batch_size)
        weight = self.no_mask_embed.weight
        sparse = []
        with torch.autocast(weight.device.type, enabled=False):
            if prompts.points is not None:
                sparse.append(self._encode_points(prompts.points, prompts.labels, pad=prompts.box is None))
            if prompts.box is not None:
                sparse.append(self._encode_box(prompts.box))
        tokens = torch.cat(sparse, dim=1) if sparse else weight.new_zeros(batch_size, 0, self.embed_dim)
        if prompts.mask_logits is None:
            cells = self.image_embedding_size[0] * self.image_embedding_size[1]
            return tokens, weight.view(1, 1, -1).expand(1, cells, -1)
        return tokens, self._encode_mask(prompts.mask_logits)

    def dense_position_tokens(self) -> Tensor:
        """Returns the position encoding of the embedding's cells, (1, e * e, C)."""
        height, width = self.image_embedding_size
        matrix = self.pe_layer.positional_encoding_gaussian_matrix
        dtype = torch.promote_types(matrix.dtype, torch.float32)
        y = (torch.arange(height, device=matrix.device, dtype=dtype) + 0.5) / height
        x = (torch.arange(width, device=matrix.device, dtype=dtype) + 0.5) / width
        cells = torch.stack([x.expand(height, width), y[:, None].expand(height, width)], dim=-1)
        with torch.autocast(matrix.device.type, enabled=False):
            return self._encode_unit(cells.view(1, height * width, 2))

    def _encode_unit(self, unit: Tensor) -> Tensor:
        """Random Fourier features of coordinates in [0, 1], as PositionEmbeddingRandom makes them."""
        matrix = self.pe_layer.positional_encoding_gaussian_matrix
        angle = 2 * math.pi * ((2 * unit - 1) @ matrix.to(unit.dtype))
        return torch.cat([angle.sin(), angle.cos()], dim=-1)

    def _encode_pixels(self, points: Tensor) -> Tensor:
        height, width = self.input_image_size
        matrix = self.pe_layer.positional_encoding_gaussian_matrix
        dtype = torch.promote_types(torch.promote_types(points.dtype, matrix.dtype), torch.float32)
        # SAM counts from the pixel's corner, hence the 0.5.
        x, y = (points.to(dtype) + 0.5).unbind(-1)
        return self._encode_unit(torch.stack([x / width, y / height], dim=-1))

    def _encode_points(self, points: Tensor, labels: Tensor, pad: bool) -> Tensor:
        if pad:
            points = F.pad(points, (0, 0, 0, 1))
            labels = F.pad(labels, (0, 1), value=PADDING_LABEL)
        background, foreground = self.point_embeddings[0].weight, self.point_embeddings[1].weight
        encoded = self._encode_pixels(points)
        label = labels.to(encoded.dtype).unsqueeze(-1)
        # Written as a sum, not as a lerp, so that labels 0 and 1 give the package's own values.
        encoded = encoded + (1 - label) * background + label * foreground
        return torch.where(label < 0, self.not_a_point_embed.weight.to(encoded.dtype), encoded)

    def _encode_box(self, box: Tensor) -> Tensor:
        corners = torch.cat([self.point_embeddings[2].weight, self.point_embeddings[3].weight])
        return self._encode_pixels(box.view(-1, 2, 2)) + corners

    def _encode_mask(self, mask_logits: Tensor) -> Tensor:
        """`mask_downscaling` on tokens: its convolutions don't overlap, so each is a linear map of a patch."""
        first, norm1, act1, second, norm2, act2, last = self.mask_downscaling
        batch = mask_logits.shape[0]
        height, width = self.image_embedding_size
        # (B, e, 2, 2, e, 2, 2) -> cells, then the outer 2x2 of second, then the inner 2x2 of first.
        x = mask_logits.view(batch, height, 2, 2, width, 2, 2).permute(0, 1, 4, 2, 5, 3, 6)
        x = x.reshape(batch, height * width, 4, 4)
        x = act1(layer_norm_channels_last(norm1, F.linear(x, first.weight.flatten(1), first.bias)))
        # second's weight is (out, in, 2, 2), and x holds (2x2, in).
        weight = second.weight.permute(0, 2, 3, 1).flatten(1)
        x = act2(layer_norm_channels_last(norm2, F.linear(x.flatten(2), weight, second.bias)))
        return F.linear(x, last.weight.flatten(1), last.bias)

    def _check(self, prompts: Prompts, batch_size: int) -> None:
        for name, value in prompts.as_dict().items():
            if value.shape[0] != batch_size:
                raise UserError(f"SAM: {name} has {value.shape[0]} rows, but the image embedding {batch_size}")
        mask = prompts.mask_logits
        if mask is not None and tuple(mask.shape[1:]) != (1, *self.mask_input_size):
            expected = " x ".join(map(str, self.mask_input_size))
            raise UserError(
                f"SAM: mask_logits has shape {tuple(mask.shape)}; this SAM takes (B, 1, {expected}). "
                "Resize it to the SAM instance's mask_size"
            )
