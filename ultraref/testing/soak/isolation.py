"""Calls something that may crash, hang or eat the memory, in a process of its own."""

import faulthandler
import multiprocessing
import os
import resource
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from ultraref.errors import UserError

# What came of a call: it returned, without saying what; it raised a UserError; any other exception; the process died; it took no end; it wanted more
# memory than it may.
KINDS = TAKEN, REFUSED, TRACEBACK, CRASH, HANG, MEMORY = ("taken", "refused", "traceback", "crash", "hang", "memory")


@dataclass(frozen=True)
class Outcome:
    """What came of one call.

    Attributes:
        number: which call.
        kind: one of `KINDS`, or what the call returned.
        text: the exception, or the exit code.
    """

    number: int
    kind: str
    text: str = ""


def call_each(
    call: Callable[[int], str | None], numbers: Sequence[int], memory: int = 2 << 30, seconds: float = 60
) -> Iterator[Outcome]:
    """Calls `call(number)` for each number in a forked process, and yields what came of it, in order.

    A process that dies or hangs is replaced by another, which goes on with the next number.

    Args:
        call: what is called; returns None, or what came of it in a word.
        numbers: its arguments, one a call.
        memory: bytes of addresses that the process may take beyond those that it begins with.
        seconds: after which a call counts as hanging.
    """
    left = list(numbers)
    processes = multiprocessing.get_context("fork")
    while left:
        ours, theirs = processes.Pipe(duplex=False)
        process = processes.Process(target=_work, args=(call, left, memory, theirs), daemon=True)
        process.start()
        theirs.close()
        try:
            while left:
                if not ours.poll(seconds):
                    yield Outcome(left.pop(0), HANG, f"no end after {seconds:g} s")
                    break
                outcome = ours.recv()
                left.pop(0)
                yield outcome
        except EOFError:
            process.join()
            yield Outcome(left.pop(0), CRASH, f"the process ended with exit code {process.exitcode}")
        finally:
            process.kill()
            process.join()
            ours.close()


def _work(call: Callable[[int], str | None], numbers: list[int], memory: int, connection) -> None:
    """Body of a process."""
    warnings.simplefilter("ignore")
    # A crash is told by the exit code.
    faulthandler.disable()
    # Decoders write to the streams themselves.
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    limit = _addresses() + memory
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    for number in numbers:
        connection.send(_outcome(call, number))
    # Without the exit handlers of whoever was forked.
    connection.close()
    os._exit(0)


def _outcome(call: Callable[[int], str | None], number: int) -> Outcome:
    try:
        kind = call(number)
    except BaseException as error:
        kind = MEMORY if _is_of_memory(error) else REFUSED if isinstance(error, UserError) else TRACEBACK
        return Outcome(number, kind, f"{type(error).__name__}: {error}"[:2000])
    return Outcome(number, kind or TAKEN)


def _addresses() -> int:
    """Bytes of addresses that this process has."""
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[0]) * resource.getpagesize()


def _is_of_memory(error: BaseException | None) -> bool:
    """Whether memory gave out, also where the exception that says so was turned into another."""
    while error is not None:
        if isinstance(error, MemoryError) or any(
            words in str(error) for words in ("allocate memory", "Insufficient memory")
        ):
            return True
        error = error.__cause__ or error.__context__
    return False
