"""Reads JSON that a user hands over. What is written is `atomic.write_json`'s."""

import json
import math
import os
import re

from ultraref.errors import UserError
from ultraref.text_file import MAX_BYTES, read_text, shown

# No count, id or coordinate of anybody's data has more digits; Python's int() itself gives up at 4,300.
_MOST_DIGITS = 18
_KINDS = {dict: "an object {...}", list: "a list [...]", str: "text", bool: "a truth value", type(None): "null"}
_SURROGATE = re.compile("[\ud800-\udfff]")


def read_json(
    path: str | os.PathLike,
    what: str = "JSON",
    expect: type | None = dict,
    hint: str = "",
    finite: bool = True,
    max_bytes: int = MAX_BYTES,
):
    """Returns the content of a JSON file.

    JSON that a parser may read in two ways, or that breaks what is done with it later, is refused: keys that occur twice, NaN and
    infinity, whole numbers of more than 18 digits, numbers past those of a float, halves of surrogate pairs.

    Args:
        path: the file, UTF-8.
        what: what the file is, for messages, such as "COCO file of instances".
        expect: dict or list, the type of the whole; None for any.
        hint: what to do where there is no such file, or none of that kind.
        finite: False lets NaN and infinity pass, as this package's own metrics hold them.
        max_bytes: a larger file is refused before memory is taken.

    Raises:
        MissingFileError: there is no such file.
        UserError: it isn't such a file; one line that says why and where.
    """
    return parse_json(read_text(path, hint, max_bytes), path, what, expect, hint, finite)


def parse_json(
    text: str,
    path: str | os.PathLike,
    what: str = "JSON",
    expect: type | None = dict,
    hint: str = "",
    finite: bool = True,
):
    """Returns the content of JSON text; see `read_json`. `path` is for messages."""
    advice = f"; {hint}" if hint else ""
    hooks = {"object_pairs_hook": _object, "parse_int": _whole_number}
    if finite:
        hooks.update(parse_float=_number, parse_constant=_no_constant)
    try:
        content = json.loads(text, **hooks)
        if _SURROGATE.search(text) or "\\ud" in text.lower():
            _refuse_half_characters(content)
    except json.JSONDecodeError as error:
        found = "it is empty" if not text.strip() else f"{error.msg}, line {error.lineno} column {error.colno}"
        raise UserError(f"{path}: is no whole {what} ({found}){advice}") from error
    except RecursionError:
        raise UserError(f"{path}: is no {what} (it is nested too deeply){advice}") from None
    except _RefusedError as error:
        raise UserError(f"{path}: is no proper {what} ({error}){advice}") from None
    if expect is not None and not isinstance(content, expect):
        raise UserError(f"{path}: is no {what}: it holds {kind_of(content)}, not {_KINDS[expect]}{advice}")
    return content


def kind_of(value) -> str:
    """Returns what a value of JSON is, in words."""
    return _KINDS.get(type(value)) or f"the number {shown(value)}"


class _RefusedError(Exception):
    """What a parser would take, and this one doesn't."""


def _object(pairs: list[tuple]) -> dict:
    content = dict(pairs)
    if len(content) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise _RefusedError(f"the key {shown(twice)} occurs twice in one object")
    return content


def _whole_number(digits: str) -> int:
    if len(digits) > _MOST_DIGITS + 1:
        raise _RefusedError(f"a number of {len(digits)} digits, {digits[:12]}...")
    return int(digits)


def _number(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise _RefusedError(f"the number {text[:40]} is too large")
    return value


def _no_constant(name: str) -> float:
    raise _RefusedError(f"{name}, which is no JSON")


def _refuse_half_characters(content) -> None:
    left = [content]
    while left:
        value = left.pop()
        if isinstance(value, dict):
            left += [*value, *value.values()]
        elif isinstance(value, list):
            left += value
        elif isinstance(value, str) and _SURROGATE.search(value):
            raise _RefusedError(f"the text {shown(value)} holds half a character")
