"""Data workers: they end with the work that they are for, and it with them where one was killed or hangs."""

from collections.abc import Iterator
from contextlib import contextmanager

from mmengine.runner import BaseLoop, Runner
from torch.utils.data import DataLoader

from ultraref.engine.shared_memory import SHARED_MEMORY, check_shared_memory
from ultraref.errors import UserError
from ultraref.processes import FollowingWorker

# Seconds that a run waits for a batch. The slowest that a shared disk was seen to need is far below.
PATIENCE = 600.0


def limit_patience(dataloader: dict) -> None:
    """Lets the config of a data loader with workers wait `PATIENCE` for a batch, unless it says how long itself."""
    if dataloader.get("num_workers"):
        # torch waits for ever, for workers that wait for a disk or for memory.
        dataloader.setdefault("timeout", PATIENCE)


def prepare_workers(loader: DataLoader) -> None:
    """Ties a loader's workers, which haven't started yet, to this process, and checks that they will have the memory for their batches.

    Raises:
        UserError: there isn't the shared memory.
    """
    loader.worker_init_fn = FollowingWorker(loader.worker_init_fn)
    check_shared_memory(loader)


@contextmanager
def data_workers_ended(runner: Runner) -> Iterator[None]:
    """Context manager that ends the data workers of a runner's loops, and says what to do when one was killed or hangs."""
    try:
        yield
    except RuntimeError as error:
        explained = explain_data_workers(error)
        if explained is None:
            raise
        raise explained from error
    finally:
        # The loops that were built; the runner's properties would build the others.
        for loop in (runner._train_loop, runner._val_loop, runner._test_loop):
            if isinstance(loop, BaseLoop):
                stop_workers(loop.dataloader)


def stop_workers(loader: DataLoader) -> None:
    """Ends persistent data workers at once.

    Left to the garbage collector, which finds them in the runner's reference cycles, each takes a timeout of five
    seconds to end, at the end of the process as well.
    """
    iterator = getattr(loader, "_iterator", None)
    if iterator is not None:
        loader._iterator = None
        iterator._shutdown_workers()


def explain_data_workers(error: RuntimeError) -> UserError | None:
    """Returns what to do where a data worker was killed or no batch came, if that is what an error of torch is about; else None."""
    # What torch noticed first is the cause of what it says.
    text = str(error.__cause__ or error)
    if "DataLoader timed out after" in text:
        seconds = text.partition("timed out after ")[2].split()[0]
        return UserError(
            f"no batch came from the data workers for {seconds} seconds. The disk may hang, or {SHARED_MEMORY} be full; num_workers=0 "
            "shows where. If it only is that slow: --cfg-options train_dataloader.timeout=SECONDS (and of val_dataloader and test_dataloader)"
        )
    if "DataLoader worker" in text and ("is killed by signal" in text or "exited unexpectedly" in text):
        return UserError(
            f"a data worker was killed ({text.strip().splitlines()[0]}). Bus error: {SHARED_MEMORY} is full; in Docker give it more "
            "(--shm-size=8g). Killed: the system ran out of memory. Fewer workers need less of both: train_dataloader.num_workers, "
            "val_dataloader.num_workers, test_dataloader.num_workers"
        )
    return None
