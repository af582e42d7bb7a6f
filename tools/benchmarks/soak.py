"""Kills runs, damages checkpoints and fuzzes files for some minutes, and prints what came of it: make soak

Runs of the three phases and of SAM2Rad, with and without data workers, with an EMA and accumulated gradients, are killed at random and
resumed; every difference from the unbroken run counts. Damaged checkpoints must be refused, or replaced by the one before. Damaged
files of every format must be read or refused in one message, within 2 GB. The same seed does the same; another continues with other
damage. Ends with status 1 if anything was found; what broke a reader is kept in the folder.
"""

import argparse
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console
from rich.table import Table

from ultraref.apis import train
from ultraref.testing.soak.damaged_checkpoints import RECOVERED, WAYS, damage_checkpoints
from ultraref.testing.soak.fuzz_readers import fuzz_readers
from ultraref.testing.soak.isolation import CRASH, HANG, MEMORY, REFUSED, TAKEN, TRACEBACK
from ultraref.testing.soak.killed_runs import kill_tiny_runs, make_data
from ultraref.testing.soak.tiny_runs import tiny_run

# Of each reader, of those that broke it.
_KEPT = 20


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=50, help="SIGKILLs in all (default: %(default)s)")
    parser.add_argument("--checkpoints", type=int, default=300, help="damaged checkpoints (default: %(default)s)")
    parser.add_argument("--files", type=int, default=25000, help="damaged files in all (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="default: %(default)s")
    parser.add_argument(
        "--folder", type=Path, help="keep runs and broken files there (default: a folder that is removed)"
    )
    args = parser.parse_args()

    with TemporaryDirectory() as temporary:
        folder = args.folder or Path(temporary)
        found = soak_runs(folder, args.kills, args.seed) if args.kills else 0
        found += soak_checkpoints(folder, args.checkpoints, args.seed) if args.checkpoints else 0
        found += soak_readers(folder, args.files, args.seed) if args.files else 0
    return int(found > 0)


def soak_runs(folder: Path, kills: int, seed: int) -> int:
    """Kills runs, prints a table, and returns how many differences and faults there were."""
    table = Table("Run", "Kills", "Differences", "Faults", title=f"Runs killed and resumed, seed {seed}")
    runs = []
    for run in kill_tiny_runs(folder, kills, seed):
        runs.append(run)
        say(f"{run.name}: {run.kills} kills", [*run.differences, *run.faults])
        table.add_row(run.name, str(run.kills), str(len(run.differences)), str(len(run.faults)))
    differences, faults = sum(len(run.differences) for run in runs), sum(len(run.faults) for run in runs)
    table.add_section()
    table.add_row("all", str(sum(run.kills for run in runs)), str(differences), str(faults))
    Console().print(table)
    return differences + faults


def soak_checkpoints(folder: Path, number: int, seed: int) -> int:
    """Damages checkpoints, prints a table, and returns how many were taken or gave a traceback."""
    data = make_data(folder)
    work_dir = folder / f"seed{seed}" / "checkpoints"
    runner = train(tiny_run("phase1", data / "phantoms", data, work_dir, workers=0, epochs=2))
    result = damage_checkpoints(runner, work_dir / "damaged", number, seed)
    say(f"{number} checkpoints", [f"{fault.number}: {fault.kind}, {fault.text}" for fault in result.faults])
    table = Table("Damage", "Files", "Refused", "Recovered", "Taken", title=f"Damaged checkpoints, seed {seed}")
    for way in WAYS:
        counts = {kind: count for (other, kind), count in result.counts.items() if other == way}
        refused, recovered = counts.get(REFUSED, 0), counts.get(RECOVERED, 0)
        total = sum(counts.values())
        table.add_row(way, *map(str, (total, refused, recovered, total - refused - recovered)))
    Console().print(table)
    return len(result.faults)


def soak_readers(folder: Path, files: int, seed: int) -> int:
    """Fuzzes all readers, prints a table, and returns how many files were neither read nor refused."""
    kinds = {
        REFUSED: "Refused",
        TAKEN: "Read",
        TRACEBACK: "Tracebacks",
        CRASH: "Crashes",
        HANG: "Hang",
        MEMORY: "Over 2 GB",
    }
    table = Table("Reader", "Files", *kinds.values(), title=f"Damaged files, seed {seed}")
    totals = dict.fromkeys(kinds, 0)
    for reader in fuzz_readers(files, seed):
        say(
            f"{reader.name}: {sum(reader.counts.values())} files",
            [f"{f.number}: {f.kind}, {f.text}" for f in reader.faults],
        )
        for number, content in list(reader.examples.items())[:_KEPT]:
            broken = folder / f"seed{seed}" / "broken" / reader.name.replace("/", "_") / str(number)
            broken.parent.mkdir(parents=True, exist_ok=True)
            broken.write_bytes(content)
        table.add_row(reader.name, str(sum(reader.counts.values())), *(str(reader.counts[kind]) for kind in kinds))
        for kind in kinds:
            totals[kind] += reader.counts[kind]
    table.add_section()
    table.add_row("all", str(sum(totals.values())), *(str(totals[kind]) for kind in kinds))
    Console().print(table)
    return sum(totals.values()) - totals[REFUSED] - totals[TAKEN]


def say(what: str, faults: list[str]) -> None:
    """Prints progress, and what was found, at once."""
    print(what if not faults else f"{what}; FOUND {len(faults)}", flush=True)
    for fault in faults[:_KEPT]:
        print(f"  {fault[:300]}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
