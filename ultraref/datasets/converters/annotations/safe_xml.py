"""Reads XML that a user hands over: elements, attributes and text, and nothing that makes a parser open files or grow."""

from pathlib import Path
from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat

from ultraref.errors import MissingFileError, UserError
from ultraref.text_file import MAX_BYTES

# Annotations are four levels deep; Python's own trees break at some thousands.
_DEEPEST = 100


def read_xml(path: Path) -> Element:
    """Returns the root element of an XML file.

    A document type is refused, and with it every entity of its own: entities multiply a few bytes to gigabytes, or name other files.

    Raises:
        MissingFileError: there is no such file.
        UserError: it isn't XML, is too large or too deep, or has a document type.
    """
    try:
        size = path.stat().st_size
        content = path.read_bytes() if size <= MAX_BYTES else b""
    except FileNotFoundError:
        raise MissingFileError(f"{path}: no such file") from None
    except OSError as error:
        raise UserError(f"{path}: can't be read ({error.strerror})") from error
    if size > MAX_BYTES:
        raise UserError(f"{path}: has {size / 1e6:,.0f} MB; at most {MAX_BYTES / 1e6:,.0f} are read")
    builder, depth = TreeBuilder(), 0

    def start(name, attributes):
        nonlocal depth
        depth += 1
        if depth > _DEEPEST:
            raise UserError(f"{path}: is nested more than {_DEEPEST} levels deep")
        builder.start(name, attributes)

    def end(name):
        nonlocal depth
        depth -= 1
        builder.end(name)

    def refuse(*_):
        raise UserError(f"{path}: has a document type (<!DOCTYPE ...>), which is never read; remove that line")

    parser = expat.ParserCreate()
    parser.StartElementHandler, parser.EndElementHandler, parser.CharacterDataHandler = start, end, builder.data
    parser.StartDoctypeDeclHandler = parser.EntityDeclHandler = refuse
    try:
        parser.Parse(content, True)
        return builder.close()
    except (expat.ExpatError, AssertionError, LookupError, ValueError) as error:
        if isinstance(error, UserError):
            raise
        raise UserError(f"{path}: is no whole XML file ({error})") from error
