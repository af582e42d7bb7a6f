"""Whatever a call does, the next one is made, and it is said what came of it."""

import os
import signal
import time

import pytest

from ultraref.errors import UserError
from ultraref.testing.soak.isolation import call_each


def call(number):
    if number == 1:
        raise UserError("no such file")
    if number == 2:
        raise KeyError("images")
    if number == 3:
        os.kill(os.getpid(), signal.SIGSEGV)
    if number == 4:
        time.sleep(60)
    if number == 5:
        bytearray(1 << 29)
    if number == 6:
        try:
            bytearray(1 << 29)
        except MemoryError as error:
            raise UserError("can't be read") from error
    return "recovered" if number == 7 else None


def test_every_end_has_its_kind():
    outcomes = list(call_each(call, range(9), memory=1 << 28, seconds=1))
    kinds = ["taken", "refused", "traceback", "crash", "hang", "memory", "memory", "recovered", "taken"]
    assert [outcome.kind for outcome in outcomes] == kinds
    assert [outcome.number for outcome in outcomes] == list(range(9))
    assert outcomes[2].text == "KeyError: 'images'"
    assert str(-signal.SIGSEGV) in outcomes[3].text


def test_nothing_is_printed_and_this_process_keeps_its_memory(capfd):
    def talk(number):
        os.write(1, b"out")
        os.write(2, b"err")

    assert [outcome.kind for outcome in call_each(talk, [0])] == ["taken"]
    assert capfd.readouterr() == ("", "")
    assert len(bytearray(1 << 29)) == 1 << 29


@pytest.mark.parametrize("numbers", [[], [5], [3, 3]])
def test_every_number_is_answered(numbers):
    outcomes = list(call_each(call, numbers, memory=1 << 28))
    assert [outcome.number for outcome in outcomes] == numbers
