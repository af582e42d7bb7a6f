"""Runs steps on this machine, some at a time."""

import os
import time
from glob import glob
from multiprocessing.connection import wait

from ultraref.protocol.step import Plan, Step
from ultraref.protocol.worker import PATIENCE, StepProcess


class LocalLauncher:
    """Starts steps as processes of this machine.

    Args:
        plan: all steps.
        jobs: how many run at a time.
        any_code: see `ultraref.protocol.fingerprint.Fingerprints`.
    """

    # A step starts when those that it needs are finished.
    takes_dependencies = False
    settling_seconds = 0.0

    def __init__(self, plan: Plan, jobs: int, any_code: bool = False):
        self._plan, self._jobs, self._any_code = plan, jobs, any_code
        self._running: dict[str, StepProcess] = {}
        self._devices = _visible_devices()
        self._taken: dict[str, list[int]] = {}

    def has_room(self) -> bool:
        """Whether one more may start."""
        return len(self._running) < self._jobs

    def start(self, step: Step) -> None:
        """Starts a step."""
        if self._devices:
            self._taken[step.name] = self._least_used(max(step.gpus, 1))
        self._running[step.name] = StepProcess(self._plan, step, self._any_code, self._taken.get(step.name))

    def ended(self) -> dict[str, int]:
        """Returns the exit status of those that ended since the last call, by name."""
        found = {name: process.poll() for name, process in self._running.items()}
        found = {name: status for name, status in found.items() if status is not None}
        for name in found:
            self._running.pop(name).stop()
            self._taken.pop(name, None)
        return found

    def wait(self, seconds: float) -> None:
        """Waits so long, or until one ends."""
        wait([process.sentinel for process in self._running.values()], seconds)

    def stop(self) -> None:
        """Ends all that run."""
        for process in self._running.values():
            process.ask_to_end()
        # Together, so that it doesn't take longer the more there are.
        until = time.monotonic() + PATIENCE
        for process in self._running.values():
            process.stop(until)
        self._running.clear()

    def _least_used(self, number: int) -> list[int]:
        counts = {device: sum(device in taken for taken in self._taken.values()) for device in self._devices}
        return sorted(sorted(self._devices, key=lambda device: counts[device])[:number])


def _visible_devices() -> list[int]:
    """Numbers of this machine's NVIDIA GPUs, or of those that the environment leaves visible."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is None:
        return list(range(len(glob("/proc/driver/nvidia/gpus/*"))))
    words = [word for word in visible.split(",") if word]
    # Names of GPUs (GPU-..., MIG-...) are left as they are.
    return [int(word) for word in words] if all(word.isdecimal() for word in words) else []
