"""Makes `engine_toys` importable, in these tests and in the processes they start."""

import itertools
import sys
from pathlib import Path

import pytest
from mmengine.config import Config

sys.path.insert(0, str(Path(__file__).parent))

_counter = itertools.count()


@pytest.fixture(autouse=True, scope="session")
def plain_config_text():
    """MMEngine's formatting of a config, done several times a run, takes longer than the rest of a toy run."""

    def text(cfg):
        return "".join(f"{key} = {value!r}\n" for key, value in cfg.to_dict().items())

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Config, "pretty_text", property(text))
        yield


@pytest.fixture
def make_runner():
    """Builds an UltraRunner from a config. MMEngine's global objects go by the experiment's name: each gets its own."""
    from ultraref.engine import UltraRunner

    def build(cfg):
        cfg.experiment_name = f"engine_test_{next(_counter)}"
        return UltraRunner.from_cfg(cfg)

    return build
