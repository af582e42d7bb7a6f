"""Damaged files, made from whole ones, to try readers with."""

from collections.abc import Iterator

import numpy as np

# What text is made of that its readers stumble over: numbers past every limit, what isn't a number, other encodings, the
# ends of strings and lists.
TOKENS = (
    *(b"0", b"-1", b"1e9", b"1e400", b"-1e400", b"NaN", b"Infinity", b"-Infinity", b"1.5", b"0x10", b"1" * 400),
    *(b"9223372036854775808", b"null", b"true", b'""', b'"7"', b"[]", b"{}", b"[[]]", b"[" * 5000, b'{"a":' * 3000),
    *(
        b'"',
        b"'",
        b",",
        b";",
        b":",
        b"\t",
        b"\r",
        b"\n",
        b"\x00",
        b"\xff\xfe",
        b"\xef\xbb\xbf",
        b"\x80",
        b"\xed\xa0\x80",
    ),
    *(b"\\ud800", b"\\u0000", b"../../x", b"C:\\a\\b.png", b"/etc/passwd", b"=1+1", b"\xe7\x94\xb2", b"e\xcc\x81"),
)
# The longest block that a mutation drops, repeats or zeroes, in bytes.
_BLOCK = 64


def mutations(data: bytes, rng: np.random.Generator) -> Iterator[bytes]:
    """Yields damaged copies of a file's bytes without end; take as many as wanted with `itertools.islice`.

    Each copy is damaged once to three times, in ways drawn evenly: cut off, a bit flipped, bytes overwritten by noise,
    a block zeroed, dropped or doubled, a token of `TOKENS` put in, or a token of the text (a number, a string, a word)
    replaced by one. The copies depend on `data` and the generator's state alone, so that one that breaks a reader can
    be made again.

    Args:
        data: the whole file; may be empty.
        rng: where the damage is drawn from.
    """
    while True:
        damaged = bytearray(data)
        for _ in range(rng.integers(1, 4)):
            _DAMAGES[rng.integers(len(_DAMAGES))](damaged, rng)
        yield bytes(damaged)


def _place(data: bytearray, rng: np.random.Generator) -> int:
    return int(rng.integers(0, len(data) + 1))


def _block(data: bytearray, rng: np.random.Generator) -> slice:
    start = _place(data, rng)
    return slice(start, min(len(data), start + int(rng.integers(1, _BLOCK + 1))))


def _truncate(data: bytearray, rng: np.random.Generator) -> None:
    del data[_place(data, rng) :]


def _flip_bit(data: bytearray, rng: np.random.Generator) -> None:
    if data:
        data[rng.integers(len(data))] ^= 1 << int(rng.integers(8))


def _overwrite(data: bytearray, rng: np.random.Generator) -> None:
    block = _block(data, rng)
    data[block] = rng.bytes(block.stop - block.start)


def _zero(data: bytearray, rng: np.random.Generator) -> None:
    block = _block(data, rng)
    data[block] = bytes(block.stop - block.start)


def _drop(data: bytearray, rng: np.random.Generator) -> None:
    del data[_block(data, rng)]


def _double(data: bytearray, rng: np.random.Generator) -> None:
    block = _block(data, rng)
    data[block] = data[block] * 2


def _insert_token(data: bytearray, rng: np.random.Generator) -> None:
    place = _place(data, rng)
    data[place:place] = _token(rng)


def _replace_token(data: bytearray, rng: np.random.Generator) -> None:
    """Replaces the run of letters, digits, signs and points around a place, or nothing between two of them."""
    start = stop = _place(data, rng)
    while start > 0 and _in_word(data[start - 1]):
        start -= 1
    while stop < len(data) and _in_word(data[stop]):
        stop += 1
    data[start:stop] = _token(rng)


def _in_word(byte: int) -> bool:
    return chr(byte).isalnum() or byte in b"+-._"


def _token(rng: np.random.Generator) -> bytes:
    return TOKENS[rng.integers(len(TOKENS))]


_DAMAGES = (_truncate, _flip_bit, _overwrite, _zero, _drop, _double, _insert_token, _replace_token)
