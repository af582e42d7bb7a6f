"""Salted hashes in the place of what says who a patient is."""

import hashlib
import hmac
import os
import secrets
from pathlib import Path

from ultraref.csv_table import write_rows
from ultraref.datasets.converters.raw_sample import Found
from ultraref.errors import UserError

# Hexadecimal digits of a pseudonym, 48 bits: among 100,000 patients two share one with a chance of 2 in 100,000.
DIGITS = 12
# Shorter salts can be tried out: a hospital's numbers are few, so that whoever guesses the salt can name the patients.
MIN_SALT = 8
SALT_SUFFIX, SOURCES_SUFFIX = ".salt", ".sources.csv"


class Pseudonyms:
    """Turns identities into names that are alike for the same salt and say nothing without it.

    HMAC-SHA256 (RFC 2104) of kind and identity, cut to 12 hexadecimal digits. Kinds are apart, so that a study and a patient of one
    number have different names.

    Args:
        salt: a secret of at least 8 characters. Whoever has it and a list of identities can tell who is who.

    Raises:
        UserError: the salt is too short.
    """

    def __init__(self, salt: str):
        if len(salt) < MIN_SALT:
            raise UserError(
                f"--salt has {len(salt)} characters; it must have at least {MIN_SALT}, as a short one can be guessed"
            )
        self._key = salt.encode()

    def of(self, kind: str, identity: str) -> str:
        """Returns the pseudonym, 12 hexadecimal digits.

        Args:
            kind: what is meant: "patient", "study", ...
            identity: what must not be told.
        """
        return hmac.new(self._key, f"{kind}\0{identity}".encode(), hashlib.sha256).hexdigest()[:DIGITS]


def salt_beside(dst: str | Path) -> str:
    """Returns the salt in the file DST.salt, beside the folder DST and not in it; makes a random one where there is none.

    So a second conversion gives the same names. The file can be read by its owner alone, and is not to be handed on with DST.

    Raises:
        UserError: the file can't be written or read.
    """
    dst = Path(os.path.abspath(dst))
    path = dst.with_name(dst.name + SALT_SUFFIX)
    try:
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            # Exclusive: of two conversions at a time one makes it, and the other stops.
            with open(path, "x", encoding="utf-8", opener=owner_only) as file:
                file.write(secrets.token_hex(32) + "\n")
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(
            f"{path}: the salt of the patients' hashes can't be kept there ({error}); give --salt"
        ) from error


def owner_only(path: str, flags: int) -> int:
    """An `opener` of `open` for files that no one else may read."""
    return os.open(path, flags, 0o600)


def write_sources(found: Found, dst: str | Path) -> Path:
    """Writes DST.sources.csv, beside the folder DST and not in it: name, file and frame of each image that was found.

    File names may say who a patient is. The table can be read by its owner alone.

    Returns:
        Its path.
    """
    dst = Path(os.path.abspath(dst))
    path = dst.with_name(dst.name + SOURCES_SUFFIX)
    # Whatever it was before, it is the owner's alone from now on.
    path.unlink(missing_ok=True)
    rows = (
        (sample.name, sample.image_path.relative_to(found.source).as_posix(), sample.frame) for sample in found.samples
    )
    with open(path, "w", encoding="utf-8", newline="", opener=owner_only) as file:
        write_rows(file, ("name", "file", "frame"), rows)
    return path
