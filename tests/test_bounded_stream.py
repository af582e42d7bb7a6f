"""No more is asked of a file than it has."""

import io

import pytest

from ultraref.bounded_stream import BoundedStream


class Recorder(io.BytesIO):
    """Notes how many bytes it was asked for."""

    asked = 0

    def read(self, size=-1):
        self.asked = size
        return super().read(size)


@pytest.mark.parametrize(("size", "asked"), [(3, 3), (1 << 60, 6), (-1, 6), (None, 6), (0, 0)])
def test_a_read_asks_for_what_is_left_at_most(size, asked):
    file = Recorder(b"0123456789")
    stream = BoundedStream(file)
    stream.seek(4)
    assert stream.read(size) == b"456789"[:asked]
    assert file.asked == asked
    stream.seek(20)
    assert stream.read(size) == b""
