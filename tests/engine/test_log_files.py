"""A process that trains again and again keeps no file open."""

import os
from pathlib import Path

from engine_toys import toy_config

from ultraref.apis import train


def open_files(folder: Path) -> list[str]:
    links = [f"/proc/self/fd/{number}" for number in os.listdir("/proc/self/fd")]
    found = [os.readlink(link) for link in links if os.path.lexists(link)]
    return [name for name in found if name.startswith(str(folder))]


def test_no_log_stays_open_and_a_later_message_is_added_to_it(tmp_path):
    for number in range(2):
        cfg = toy_config(tmp_path / str(number), epochs=1, runner_type="UltraRunner")
        cfg.experiment_name = f"log_files_{number}"
        runner = train(cfg)
        assert open_files(tmp_path) == []
    (log,) = (tmp_path / "1").glob("*/*.log")
    before = log.read_text(encoding="utf-8")
    runner.logger.warning("after the training")
    after = log.read_text(encoding="utf-8")
    assert after.startswith(before)
    assert "after the training" in after[len(before) :]
    assert len(open_files(tmp_path)) == 1
