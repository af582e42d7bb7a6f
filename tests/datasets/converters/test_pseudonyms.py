import hashlib
import hmac
import stat

import pytest

from ultraref.datasets.converters.pseudonyms import Pseudonyms, salt_beside
from ultraref.errors import UserError


def test_a_pseudonym_is_an_hmac():
    digest = hmac.new(b"0123456789", b"patient\x00MRN1", hashlib.sha256).hexdigest()
    assert Pseudonyms("0123456789").of("patient", "MRN1") == digest[:12]
    assert Pseudonyms("0123456789").of("study", "MRN1") != digest[:12]


def test_the_salt_is_made_once_and_is_the_owners(tmp_path):
    salt = salt_beside(tmp_path / "data" / "set")
    assert len(salt) == 64
    assert salt_beside(tmp_path / "data" / "set") == salt
    assert salt_beside(tmp_path / "data" / "other") != salt
    assert stat.S_IMODE((tmp_path / "data" / "set.salt").stat().st_mode) == 0o600
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="give --salt"):
        salt_beside(tmp_path / "file" / "set")
