"""The tables of docs/reference/weights.md: python -m ultraref.models.weights.markdown prints them."""

from collections.abc import Iterable, Sequence

from ultraref.models.weights.lookup import PROFILES
from ultraref.models.weights.profile import WeightsProfile

FILE_COLUMNS = ("name", "file", "encoder", "images", "prompts", "masks", "licence", "bytes", "sha256")
SEEN_COLUMNS = ("weights", "set", "state", "evidence", "looked up")


def files_table(profiles: Iterable[WeightsProfile] = PROFILES) -> str:
    """Returns what each file is and wants, as a Markdown table."""
    return _table(FILE_COLUMNS, [_file_row(profile) for profile in profiles])


def seen_table(profiles: Iterable[WeightsProfile] = PROFILES) -> str:
    """Returns what each file has seen, as a Markdown table; sets that share a state and its evidence share a row."""
    rows: dict[tuple, list[str]] = {}
    for profile in profiles:
        for name, seen in profile.seen.items():
            rows.setdefault((profile.name, seen.state, seen.evidence, seen.date), []).append(name)
    return _table(SEEN_COLUMNS, [(key[0], ", ".join(sets), *key[1:]) for key, sets in rows.items()])


def _file_row(profile: WeightsProfile) -> tuple[str, ...]:
    return (
        f"`{profile.name}`",
        f"[{profile.file_name}]({profile.page})",
        f"{profile.encoder} {profile.arch}" if profile.encoder else f"none: {profile.no_encoder}",
        ", ".join(str(part) for part in (profile.scale, profile.fit, f"{profile.image_size} px") if part),
        ", ".join(profile.prompts or ("-",)),
        str(profile.candidates or "-"),
        profile.licence,
        f"{profile.size:,}" if profile.size else "not known",
        f"`{profile.sha256[:12]}...`" if profile.sha256 else "not known",
    )


def _table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


if __name__ == "__main__":
    print(files_table(), seen_table(), sep="\n\n")
