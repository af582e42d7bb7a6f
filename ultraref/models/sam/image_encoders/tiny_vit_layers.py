"""The layers of TinyViT, the image encoder of MobileSAM and LiteMedSAM.

Wu et al., "TinyViT: Fast Pretraining Distillation for Small Vision Transformers", ECCV 2022, arXiv:2207.10666; as an encoder of
SAM: Zhang et al., "Faster Segment Anything: Towards Lightweight SAM for Mobile Applications", arXiv:2306.14289.

timm's TinyViT has other names, a fixed place for the downsampling and a cache of attention biases that outlives a change of
the weights, so the blocks are written anew, with the published state-dict keys. Maps are kept as (B, H, W, C): a linear layer
takes them as they are, a convolution as a channels-last view.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint

from ultraref.errors import UserError
from ultraref.models.exporting import being_exported
from ultraref.models.sam.layer_norm import layer_norm_channels_last

# The allocator of the C library hands a tensor of more than 32 MB back to the system, and the next one costs a page fault for
# every 4 KB, which takes longer than the arithmetic. Without gradients, wide maps are made a strip at a time.
STRIP_BYTES = 8 << 20


class TinyViTEncoder(nn.Module):
    """TinyViT and the neck of SAM. The defaults are LiteMedSAM's encoder; MobileSAM's has `stem_stride=4` and `num_classes=1000`.

    Batch norms that are in eval mode are folded into their convolutions, and attention biases looked up, in each forward pass:
    both cost under a hundredth of it, and neither can be stale, whatever changed the weights or set `training`.

    Args:
        stem_stride: 4: two 3 x 3 convolutions of stride 2 (MobileSAM); 1: two 1 x 1 convolutions (LiteMedSAM).
        embed_dims: channels of each stage. The first is made of convolutions, the others of attention.
        depths: blocks of each stage.
        num_heads: attention heads of each stage; the first isn't used.
        window_sizes: side of the attention windows of each stage, in cells; the first isn't used.
        strides: of the downsampling after each stage but the last.
        mlp_ratio: hidden channels of an MLP, as a multiple of its input's.
        expand_ratio: the same of the first stage's convolutions.
        out_channels: channels of the embedding.
        num_classes: classes of the ImageNet classifier whose weights the published file holds: they are kept in the state dict
            and never used. None: it holds none.
        checkpoint_activations: keep only each block's input for the backward pass and compute the rest again.

    Raises:
        UserError: another `stem_stride`, or numbers of stages or heads that don't fit.
    """

    def __init__(
        self,
        stem_stride: int = 1,
        embed_dims: Sequence[int] = (64, 128, 160, 320),
        depths: Sequence[int] = (2, 2, 6, 2),
        num_heads: Sequence[int] = (2, 4, 5, 10),
        window_sizes: Sequence[int] = (7, 7, 14, 7),
        strides: Sequence[int] = (2, 2, 1),
        mlp_ratio: float = 4.0,
        expand_ratio: float = 4.0,
        out_channels: int = 256,
        num_classes: int | None = None,
        checkpoint_activations: bool = False,
    ):
        super().__init__()
        stages = len(embed_dims)
        if not len(depths) == len(num_heads) == len(window_sizes) == len(strides) + 1 == stages:
            raise UserError(
                "TinyViTEncoder: embed_dims, depths, num_heads and window_sizes have a number for each stage, strides one less, "
                f"but got {embed_dims}, {depths}, {num_heads}, {window_sizes} and {strides}"
            )
        for dim, heads in zip(embed_dims[1:], num_heads[1:]):
            if dim % heads:
                raise UserError(f"TinyViTEncoder: num_heads must divide the channels, but got {heads} heads for {dim}")
        self.checkpoint_activations = checkpoint_activations
        self.patch_embed = Stem(embed_dims[0], stem_stride)
        self.layers = nn.ModuleList()
        reduction = stem_stride
        for i, (dim, depth) in enumerate(zip(embed_dims, depths)):
            if i == 0:
                blocks = [MBConv(dim, expand_ratio) for _ in range(depth)]
            else:
                blocks = [Block(dim, num_heads[i], window_sizes[i], mlp_ratio) for _ in range(depth)]
            last = i == stages - 1
            self.layers.append(Stage(blocks, None if last else Downsample(dim, embed_dims[i + 1], strides[i])))
            reduction *= 1 if last else strides[i]
        self.reduction = reduction
        if num_classes is not None:
            self.norm_head = Unused(embed_dims[-1], embed_dims[-1])
            self.head = Unused(num_classes, num_classes, embed_dims[-1])
        self.neck = nn.Sequential(
            nn.Conv2d(embed_dims[-1], out_channels, 1, bias=False),
            ChannelNorm(out_channels),
            nn.Conv2d(out_channels, out_channels, 3, padding=1, bias=False),
            ChannelNorm(out_channels),
        )

    def forward(self, image: Tensor) -> Tensor:
        """Maps images (B, 3, H, W) to embeddings (B, out_channels, H / reduction, W / reduction), channels-last in memory.

        Args:
            image: scaled as its weights want it: LiteMedSAM's to [0, 1] by its own minimum and maximum, MobileSAM's by
                ImageNet's mean and standard deviation.

        Raises:
            UserError: a side isn't a multiple of `reduction`.
        """
        if image.shape[-2] % self.reduction or image.shape[-1] % self.reduction:
            raise UserError(
                f"TinyViTEncoder: the image's sides must be multiples of {self.reduction}, but it is {tuple(image.shape[-2:])}"
            )
        x = self.patch_embed(image.permute(0, 2, 3, 1).contiguous())
        for stage in self.layers:
            for block in stage.blocks:
                x = self._run(block, x)
            if stage.downsample is not None:
                x = stage.downsample(x)
        narrow, norm1, smooth, norm2 = self.neck
        x = layer_norm_channels_last(norm1, F.linear(x, narrow.weight.flatten(1)))
        x = smooth(x.permute(0, 3, 1, 2)).permute(0, 2, 3, 1)
        return layer_norm_channels_last(norm2, x).permute(0, 3, 1, 2)

    def _run(self, block: nn.Module, x: Tensor) -> Tensor:
        if not (self.checkpoint_activations and torch.is_grad_enabled()):
            return block(x)
        if any(isinstance(module, nn.BatchNorm2d) and module.training for module in block.modules()):
            # The second computation must not count the batch again.
            return checkpoint(
                block, x, use_reentrant=False, context_fn=lambda: (nullcontext(), _statistics_kept(block))
            )
        return checkpoint(block, x, use_reentrant=False)


class ConvNorm(nn.Module):
    """A convolution without bias and a batch norm, which in eval mode is folded into it. (B, H, W, C) to (B, h, w, out)."""

    def __init__(self, inputs: int, outputs: int, kernel: int = 1, stride: int = 1, groups: int = 1, gain: float = 1.0):
        super().__init__()
        self.c = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False)
        self.bn = nn.BatchNorm2d(outputs)
        nn.init.constant_(self.bn.weight, gain)

    def forward(self, x: Tensor) -> Tensor:
        return self.bn(self.c(x.permute(0, 3, 1, 2))).permute(0, 2, 3, 1) if self.bn.training else self.fold()(x)

    def fold(self) -> Callable[[Tensor], Tensor]:
        """Returns the map as one convolution of the present weights, with gradients to them. Running statistics must be fixed."""
        scale = self.bn.weight * torch.rsqrt(self.bn.running_var + self.bn.eps)
        bias = self.bn.bias - self.bn.running_mean * scale
        weight = self.c.weight * scale[:, None, None, None]
        if self.c.kernel_size == (1, 1):
            return lambda x: F.linear(x, weight.flatten(1), bias)
        stride, groups = self.c.stride[0], self.c.groups
        compiling = torch.compiler.is_compiling() and weight.device.type == "cpu" and not torch.is_grad_enabled()
        if compiling and groups == self.c.out_channels:
            return lambda x: _depthwise(x, weight, bias, stride)
        return lambda x: _convolve(x, weight, bias, stride, groups)


class Stem(nn.Module):
    """From RGB to the first stage's channels."""

    def __init__(self, dim: int, stride: int):
        super().__init__()
        if stride not in (1, 4):
            raise UserError(f"TinyViTEncoder: stem_stride is {stride}; it may be 1 or 4")
        kernel, step = (3, 2) if stride == 4 else (1, 1)
        self.seq = nn.Sequential(ConvNorm(3, dim // 2, kernel, step), nn.GELU(), ConvNorm(dim // 2, dim, kernel, step))

    def forward(self, x: Tensor) -> Tensor:
        """(B, H, W, 3) to (B, H / stride, W / stride, dim)."""
        return self.seq[2](_gelu(self.seq[0](x)))


class MBConv(nn.Module):
    """Inverted bottleneck: widened, mixed over 3 x 3 cells by channel, narrowed, added. (B, H, W, C) to the same."""

    def __init__(self, dim: int, expand_ratio: float):
        super().__init__()
        hidden = int(dim * expand_ratio)
        self.conv1 = ConvNorm(dim, hidden)
        self.conv2 = ConvNorm(hidden, hidden, 3, groups=hidden)
        self.conv3 = ConvNorm(hidden, dim, gain=0.0)

    def forward(self, x: Tensor) -> Tensor:
        return _gelu(x + _bottleneck((self.conv1, self.conv2, self.conv3), x))


class Downsample(nn.Module):
    """To the next stage's channels and, by `stride`, size. (B, H, W, C) to (B, H / stride, W / stride, out)."""

    def __init__(self, inputs: int, outputs: int, stride: int):
        super().__init__()
        self.conv1 = ConvNorm(inputs, outputs)
        self.conv2 = ConvNorm(outputs, outputs, 3, stride, groups=outputs)
        self.conv3 = ConvNorm(outputs, outputs)

    def forward(self, x: Tensor) -> Tensor:
        return _bottleneck((self.conv1, self.conv2, self.conv3), x)


class Stage(nn.Module):
    """Blocks and what follows them, under the published names; `TinyViTEncoder` runs them."""

    def __init__(self, blocks: Sequence[nn.Module], downsample: nn.Module | None):
        super().__init__()
        self.blocks = nn.ModuleList(blocks)
        self.downsample = downsample


class Attention(nn.Module):
    """Attention within windows, with a bias for each head and distance. (B, H, W, C) to the same.

    The map is padded with zeros below and to the right to whole windows, and padding takes part in attention.
    """

    def __init__(self, dim: int, num_heads: int, window: int):
        super().__init__()
        self.num_heads, self.window = num_heads, window
        self.norm = nn.LayerNorm(dim)
        self.qkv = nn.Linear(dim, 3 * dim)
        self.proj = nn.Linear(dim, dim)
        _init_linear(self.qkv, self.proj)
        # Column dy * window + dx is for cells that are dy rows and dx columns apart.
        self.attention_biases = nn.Parameter(torch.zeros(num_heads, window**2))
        apart = (torch.arange(window)[:, None] - torch.arange(window)).abs()
        index = apart[:, None, :, None] * window + apart[None, :, None, :]
        self.register_buffer("bias_index", index.flatten(), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        batch, height, width, dim = x.shape
        side, cells = self.window, self.window**2
        rows, columns = -(-height // side), -(-width // side)
        x = F.pad(x, (0, 0, 0, columns * side - width, 0, rows * side - height))

        # (B, rows, side, columns, side, C) -> a batch of windows, before q, k and v make it three times as wide.
        x = x.reshape(batch, rows, side, columns, side, dim).transpose(2, 3)
        x = x.reshape(batch * rows * columns, cells, dim)
        qkv = self.qkv(self.norm(x)).view(x.shape[0], cells, self.num_heads, 3, dim // self.num_heads)
        q, k, v = qkv.permute(3, 0, 2, 1, 4)
        bias = self.attention_biases.index_select(1, self.bias_index).view(1, self.num_heads, cells, cells)
        x = F.scaled_dot_product_attention(q, k, v, attn_mask=bias.to(q.dtype))

        x = x.transpose(1, 2).reshape(batch, rows, columns, side, side, dim).transpose(2, 3)
        x = x.reshape(batch, rows * side, columns * side, dim)[:, :height, :width]
        # Of a map with gaps, the linear layer would be a product for each row, and the bias added after; of a copy it is one product.
        return self.proj(x.contiguous())


class Mlp(nn.Module):
    """Norm and MLP of each cell. (..., C) to the same."""

    def __init__(self, dim: int, hidden: int):
        super().__init__()
        self.norm = nn.LayerNorm(dim)
        self.fc1 = nn.Linear(dim, hidden)
        self.fc2 = nn.Linear(hidden, dim)
        _init_linear(self.fc1, self.fc2)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc2(_gelu(self.fc1(self.norm(x))))


class Block(nn.Module):
    """Attention, a 3 x 3 convolution by channel, MLP. (B, H, W, C) to the same."""

    def __init__(self, dim: int, num_heads: int, window: int, mlp_ratio: float):
        super().__init__()
        self.attn = Attention(dim, num_heads, window)
        self.mlp = Mlp(dim, int(dim * mlp_ratio))
        self.local_conv = ConvNorm(dim, dim, 3, groups=dim)

    def forward(self, x: Tensor) -> Tensor:
        x = self.local_conv(x + self.attn(x))
        count = _strips(x, self.mlp.fc1.out_features, x.numel() // x.shape[-1])
        if count == 1:
            return x + self.mlp(x)
        result = torch.empty_like(x, memory_format=torch.contiguous_format)
        for old, new in zip(x.reshape(-1, x.shape[-1]).chunk(count), result.view(-1, x.shape[-1]).chunk(count)):
            torch.add(old, self.mlp(old), out=new)
        return result


class ChannelNorm(nn.Module):
    """Weights of a layer norm over the channels of a map, as SAM's LayerNorm2d; `layer_norm_channels_last` applies it."""

    def __init__(self, channels: int):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))
        self.eps = 1e-6


class Unused(nn.Module):
    """Weight and bias that a published file holds and nothing needs: buffers, so that no optimizer waits for their gradient."""

    def __init__(self, outputs: int, *shape: int):
        super().__init__()
        self.register_buffer("weight", torch.zeros(shape))
        self.register_buffer("bias", torch.zeros(outputs))


def _bottleneck(convs: Sequence[ConvNorm], x: Tensor) -> Tensor:
    """Widens, mixes over 3 x 3 cells and narrows again; without gradients a strip of rows at a time."""
    wide, mix, narrow = convs
    rows = x.shape[1]
    count = _strips(x, wide.c.out_channels, x.shape[1:3].numel())
    if count == 1 or any(conv.bn.training for conv in convs):
        return narrow(_gelu(mix(_gelu(wide(x)))))
    stride = mix.c.stride[0]
    wide, mix, narrow = (conv.fold() for conv in convs)
    height = -(-rows // (count * stride)) * stride
    result = None
    for i, image in enumerate(x.split(1)):
        for top in range(0, rows, height):
            # A strip and its neighbouring rows. Their own results lack neighbours of their own, and are dropped.
            above, inner = min(top, stride), min(height, rows - top)
            strip = mix(_gelu(wide(image[:, top - above : top + inner + 1])))
            first, size = above // stride, -(-inner // stride)
            strip = narrow(_gelu(strip[:, first : first + size]))
            if result is None:
                result = strip.new_empty(len(x), -(-rows // stride), *strip.shape[2:])
            result[i, top // stride : top // stride + size] = strip[0]
    return result


def _strips(x: Tensor, channels: int, cells: int) -> int:
    """In how many parts to make a map of `cells` cells and `channels` channels."""
    if torch.is_grad_enabled() or x.device.type != "cpu" or being_exported():
        return 1
    return -(-cells * channels * x.element_size() // STRIP_BYTES)


def _convolve(x: Tensor, weight: Tensor, bias: Tensor, stride: int, groups: int) -> Tensor:
    """A 3 x 3 convolution of (B, H, W, C)."""
    return F.conv2d(x.permute(0, 3, 1, 2), weight, bias, stride, 1, groups=groups).permute(0, 2, 3, 1)


# The compiler writes a view of a batch of one with a batch stride of 0. A convolution takes that for channels-first, copies the
# map before and after, and is slower than all that the compiler gains; so it gets to see a function of (B, H, W, C) alone.
@torch.library.custom_op("ultraref::depthwise", mutates_args=())
def _depthwise(x: Tensor, weight: Tensor, bias: Tensor, stride: int) -> Tensor:
    return _convolve(x.reshape(-1).view(x.shape), weight, bias, stride, x.shape[-1]).contiguous()


@_depthwise.register_fake
def _(x: Tensor, weight: Tensor, bias: Tensor, stride: int) -> Tensor:
    batch, height, width, channels = x.shape
    return x.new_empty(batch, -(-height // stride), -(-width // stride), channels)


def _gelu(x: Tensor) -> Tensor:
    """GELU; without gradients in place, so the argument must be nobody else's."""
    return F.gelu(x) if torch.is_grad_enabled() else torch.ops.aten.gelu_(x)


def _init_linear(*layers: nn.Linear) -> None:
    """As the published code: weights normal with std 0.02, cut off at 2, and no bias."""
    for layer in layers:
        nn.init.trunc_normal_(layer.weight, std=0.02)
        nn.init.zeros_(layer.bias)


@contextmanager
def _statistics_kept(module: nn.Module) -> Iterator[None]:
    """Within it, batch norms normalise by the batch as ever, and leave their running statistics alone."""
    norms = [norm for norm in module.modules() if isinstance(norm, nn.BatchNorm2d)]
    before = [(norm.momentum, norm.num_batches_tracked.clone()) for norm in norms]
    for norm in norms:
        norm.momentum = 0.0
    try:
        yield
    finally:
        for norm, (momentum, counted) in zip(norms, before):
            norm.momentum = momentum
            norm.num_batches_tracked.copy_(counted)
