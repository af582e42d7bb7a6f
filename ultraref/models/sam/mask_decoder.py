"""SAM's mask decoder for a batch of images, each with prompts of its own, in one call."""

import torch
from segment_anything.modeling import MaskDecoder, TwoWayTransformer
from segment_anything.modeling.transformer import Attention, TwoWayAttentionBlock
from torch import Tensor, nn
from torch.nn import functional as F

from ultraref.errors import UserError
from ultraref.models.sam.image_embedding import ImageEmbedding
from ultraref.models.sam.layer_norm import layer_norm_channels_last
from ultraref.registry import MODELS


@MODELS.register_module()
class SAMMaskDecoder(MaskDecoder):
    """The package's mask decoder, same weights and values.

    The package repeats one image's embedding for its prompts, hence decodes one image a call. Here row i of the prompts
    belongs to row i of the embeddings. The image side stays in tokens, (B, e * e, C), from end to end: the two
    transposed convolutions don't overlap, so they are linear maps of a token, and only the masks that are asked for are
    multiplied out.

    Args:
        channels: C of the image embedding. `SAM` fills it in from its image encoder.
        depth: two-way blocks.
        num_heads: attention heads of a block.
        mlp_dim: hidden width of a block's MLP.
        iou_head_hidden_dim: hidden width of the head that predicts IoU.

    Raises:
        ValueError: the channels don't divide by what the decoder divides them by.
    """

    def __init__(
        self,
        channels: int,
        depth: int = 2,
        num_heads: int = 8,
        mlp_dim: int = 2048,
        iou_head_hidden_dim: int = 256,
    ):
        # Cross attention works at half the width, and the upscaling ends at an eighth.
        for divisor, why in ((2 * num_heads, f"2 * num_heads, num_heads being {num_heads}"), (8, "8")):
            if channels % divisor:
                raise UserError(
                    f"SAMMaskDecoder: the image encoder gives {channels} channels, which must be a multiple of {why}"
                )
        transformer = TwoWayTransformer(depth=depth, embedding_dim=channels, num_heads=num_heads, mlp_dim=mlp_dim)
        super().__init__(transformer_dim=channels, transformer=transformer, iou_head_hidden_dim=iou_head_hidden_dim)

    def forward(
        self, embedding: ImageEmbedding, position: Tensor, sparse: Tensor, dense: Tensor, multimask_output: bool
    ) -> tuple[Tensor, Tensor]:
        """Decodes B images.

        Args:
            embedding: of B images; `features` (B, C, e, e) alone are read.
            position: (1, e * e, C), position encoding of the embedding's cells.
            sparse: (B, N, C), embedded points and boxes.
            dense: (B or 1, e * e, C), embedded mask prompts.
            multimask_output: three candidates, or the single one that SAM has for unambiguous prompts.

        Returns:
            logits (B, K, 4e, 4e) and predicted IoU (B, K), K being 3 or 1.
        """
        features = embedding.features
        batch, _, height, width = features.shape
        output_tokens = torch.cat([self.iou_token.weight, self.mask_tokens.weight])
        output_tokens = output_tokens.unsqueeze(0).expand(batch, -1, -1)
        tokens = torch.cat([output_tokens, sparse.to(output_tokens.dtype)], dim=1)
        image = features.flatten(2).transpose(1, 2) + dense

        tokens, image = self._attend(tokens, image, position)

        candidates = slice(1, None) if multimask_output else slice(0, 1)
        # Every hypernetwork runs, cheap as they are, so that every weight has a gradient on every rank.
        hyper = [mlp(tokens[:, 1 + i]) for i, mlp in enumerate(self.output_hypernetworks_mlps)]
        logits = self._upscale(image, torch.stack(hyper, dim=1)[:, candidates], (height, width))
        return logits, self.iou_prediction_head(tokens[:, 0])[:, candidates]

    def _attend(self, tokens: Tensor, image: Tensor, position: Tensor) -> tuple[Tensor, Tensor]:
        """The package's TwoWayTransformer, with the position added to the image once a step."""
        transformer, token_position = self.transformer, tokens
        for layer in transformer.layers:
            tokens, image = two_way_block(layer, tokens, image, token_position, position)
        located = image + position
        attended = attention(transformer.final_attn_token_to_image, tokens + token_position, located, image)
        return transformer.norm_final_attn(tokens + attended), image

    def _upscale(self, image: Tensor, hyper: Tensor, size: tuple[int, int]) -> Tensor:
        """Enlarges the tokens four times and multiplies them with the candidates' vectors: (B, K, 4e, 4e)."""
        first, norm, act1, second, act2 = self.output_upscaling
        batch, (height, width) = image.shape[0], size
        x = act1(layer_norm_channels_last(norm, _spread(first, image)))  # (B, e * e, 2x2, C/4)
        x = act2(_spread(second, x))  # (B, e * e, 2x2, 2x2, C/8)
        logits = x.flatten(1, 3) @ hyper.transpose(1, 2)
        # Cells, the 2x2 of the first step and the 2x2 of the second become rows and columns.
        logits = logits.view(batch, height, width, 2, 2, 2, 2, -1).permute(0, 7, 1, 3, 5, 2, 4, 6)
        return logits.reshape(batch, -1, 4 * height, 4 * width)


def _spread(conv: nn.ConvTranspose2d, x: Tensor) -> Tensor:
    """A transposed convolution with kernel and stride 2 on tokens: (..., in) -> (..., 4, out), the 4 being 2x2."""
    weight = conv.weight.permute(2, 3, 1, 0).flatten(0, 2)
    return F.linear(x, weight, conv.bias.repeat(4)).unflatten(-1, (4, conv.out_channels))


def two_way_block(
    block: TwoWayAttentionBlock, tokens: Tensor, image: Tensor, token_position: Tensor, position: Tensor
) -> tuple[Tensor, Tensor]:
    """One two-way block: tokens attend to themselves and to the image, then the image to the tokens."""
    if block.skip_first_layer_pe:
        tokens = attention(block.self_attn, tokens, tokens, tokens)
    else:
        located_tokens = tokens + token_position
        tokens = tokens + attention(block.self_attn, located_tokens, located_tokens, tokens)
    tokens = block.norm1(tokens)

    located = image + position
    tokens = block.norm2(tokens + attention(block.cross_attn_token_to_image, tokens + token_position, located, image))
    tokens = block.norm3(tokens + block.mlp(tokens))
    image = block.norm4(image + attention(block.cross_attn_image_to_token, located, tokens + token_position, tokens))
    return tokens, image


def attention(module: Attention, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """The package's decoder attention, without the attention matrix in memory."""
    q, k, v = (
        projection(x).unflatten(-1, (module.num_heads, -1)).transpose(1, 2)
        for projection, x in ((module.q_proj, q), (module.k_proj, k), (module.v_proj, v))
    )
    out = F.scaled_dot_product_attention(q, k, v)
    return module.out_proj(out.transpose(1, 2).flatten(2))
