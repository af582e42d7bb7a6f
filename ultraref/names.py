"""The rule for names of images and of data sets, which become names of files and cells of tables.

A name holds letters of any script with their marks (in Unicode's composed form, NFC), digits, spaces and `_ - . ( )`. It begins with
neither a dot nor a space, ends with neither, and takes up to 200 bytes in UTF-8, so that suffixes still fit into the 255 bytes that
file systems allow.
"""

import unicodedata
from pathlib import Path

from ultraref.errors import UserError
from ultraref.text_file import shown

MAX_BYTES = 200
ALLOWED = "letters, digits, spaces and _ - . ( )"
_SIGNS = " _-.()"


def check_name(name, what: str, advice: str = "rename it") -> None:
    """Refuses a name that doesn't keep the rule.

    Args:
        name: of an image or a data set.
        what: whose name it is and where it stands, for the message.
        advice: what to do.

    Raises:
        UserError: says what is wrong.
    """
    fault = name_fault(name)
    if fault is not None:
        raise UserError(f"{what} {shown(name)} {fault}; {advice}")


def name_fault(name) -> str | None:
    """Returns what is wrong with a name, as the end of a sentence that begins with it; None where it keeps the rule."""
    if not isinstance(name, str):
        return "is no text"
    if not name.strip(" ."):
        return "has no letter and no digit"
    strange = next((character for character in name if not is_allowed(character)), None)
    if strange is not None:
        return f"has the character {strange!r}; what is allowed are {ALLOWED}"
    if name[0] in " ." or name[-1] in " .":
        return "begins or ends with a dot or a space"
    if not unicodedata.is_normalized("NFC", name):
        return "isn't in Unicode's composed form (NFC)"
    size = len(name.encode())
    return f"takes {size} bytes, over the limit of {MAX_BYTES}" if size > MAX_BYTES else None


def is_allowed(character: str) -> bool:
    """Whether a name may hold a character: a letter, a mark of one, a decimal digit, or one of the signs."""
    return character in _SIGNS or is_word(character)


def is_word(character: str) -> bool:
    """Whether a character is a letter of any script, a mark of one (a vowel sign, say), or a decimal digit."""
    kind = unicodedata.category(character)
    return kind[0] in "LM" or kind == "Nd"


def plain_name(path: str) -> str:
    """Returns a path in which every part between slashes keeps the rule but for its length: what isn't allowed becomes "_"."""
    return "/".join(map(_plain_part, path.split("/")))


def file_of(folder: str | Path, name: str, suffix: str) -> Path:
    """Returns the file of a name below a folder.

    Raises:
        UserError: the name doesn't keep the rule, so that the file might lie elsewhere.
    """
    check_name(name, f"{folder}: the name")
    return Path(folder) / f"{name}{suffix}"


def _plain_part(part: str) -> str:
    composed = unicodedata.normalize("NFC", part)
    plain = "".join(character if is_allowed(character) else "_" for character in composed)
    # A dot or a space at either end.
    inner = plain.strip(" .")
    start = plain.index(inner) if inner else 0
    return "_" * start + inner + "_" * (len(plain) - start - len(inner)) or "_"
