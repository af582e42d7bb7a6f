"""What a protocol is: a config that names sets, folds, the recipes of each phase, and what is tested."""

import logging
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path

from ultraref.errors import UserError
from ultraref.shipped import find_recipe

_SET_KEYS = {"source", "converter", "options", "phantoms"}
_RESOURCE_KEYS = {"gpus", "cpus", "memory_gb", "minutes", "partition", "account", "qos", "constraint"}


@dataclass(frozen=True)
class Protocol:
    """The variables of a protocol's config.

    Attributes:
        sets: by set (a name or a file, see `ultraref.engine.recipe.read_recipe`), how its images are converted where they
            aren't there yet: `source`, the raw files' folder; `converter`, that of `ultraref convert` (default: the set's
            name); `options`, a list of its options; `phantoms`, for made-up images that are drawn into `source` first,
            the arguments `num`, `seed` and `max_side` of `ultraref.testing.phantom_dataset.write_phantom_busi`.
        phase3: recipes of phase 3, the variants.
        phase1: recipe of phase 1; its checkpoints and predictions are made for each fold that another step needs.
        phase2: recipe of phase 2.
        folds: the folds that are held out, each with models of its own.
        num_folds: folds of the sets' training images.
        tested: recipes that are tested; by default those of phases 2 and 3.
        summary: the recipe that summary.json and the overlays are about; by default the first variant.
        work_dir: receives logs/, summary.json and overlays/. Runs go where the recipes say.
        jobs: how many steps run at a time.
        resources: what a step takes on a cluster, `gpus` also elsewhere: by name of the kind of step, "default" for the
            others. Keys: gpus, cpus, memory_gb, minutes, partition, account, qos, constraint.
        path: the config.
    """

    sets: Mapping[str, Mapping]
    phase3: Sequence[str]
    phase1: str | None = None
    phase2: str | None = None
    folds: Sequence[int] = (0,)
    num_folds: int = 5
    tested: Sequence[str] = ()
    summary: str = ""
    work_dir: str = ""
    jobs: int = 1
    resources: Mapping[str, Mapping] = field(default_factory=dict)
    path: str = ""

    @property
    def recipes(self) -> list[str]:
        """All recipes, in the order of the phases."""
        return [recipe for recipe in (self.phase1, self.phase2, *self.phase3) if recipe]

    def resources_of(self, kind: str) -> dict:
        """What a step of a kind takes."""
        return {**self.resources.get("default", {}), **self.resources.get(kind, {})}


def read_protocol(path: str | Path) -> Protocol:
    """Reads a protocol and checks it.

    Args:
        path: its config, or the name of a shipped one: "protocols/busi.py", or "busi" alone.

    Raises:
        UserError: there is no such protocol, or what it says can't be; all problems are listed.
    """
    file = _find(path)
    content = _read(file)
    known = {item.name: item for item in fields(Protocol) if item.name != "path"}
    problems = [
        f"{key} is no variable of a protocol; there are {', '.join(known)}" for key in content if key not in known
    ]
    problems += [f"{key} is missing" for key in ("sets", "phase3") if key not in content]
    if not problems:
        protocol = Protocol(**content, path=str(file))
        protocol = replace(
            protocol,
            sets={name: entry or {} for name, entry in protocol.sets.items()},
            tested=protocol.tested or [recipe for recipe in protocol.recipes if recipe != protocol.phase1],
            summary=protocol.summary or next(iter(protocol.phase3), ""),
            work_dir=protocol.work_dir or str(Path("work_dirs") / file.stem),
        )
        problems = list(_problems(protocol))
    if problems:
        raise UserError(f"protocol {file}:\n" + "\n".join(f"- {problem}" for problem in problems))
    return protocol


def narrow(protocol: Protocol, sets: Sequence[str] | None, folds: Sequence[int] | None) -> Protocol:
    """Returns a protocol with some of its sets and folds.

    Raises:
        UserError: it has no such set or fold.
    """
    for option, asked, known in (("--sets", sets, protocol.sets), ("--folds", folds, protocol.folds)):
        unknown = [str(item) for item in asked or () if item not in known]
        if unknown:
            raise UserError(
                f"{option} {' '.join(unknown)}: {protocol.path} has {option[2:]} {', '.join(map(str, known))}"
            )
    return replace(
        protocol,
        sets={name: entry for name, entry in protocol.sets.items() if not sets or name in sets},
        folds=[fold for fold in protocol.folds if not folds or fold in folds],
    )


def with_sources(protocol: Protocol, sources: Mapping[str, str]) -> Protocol:
    """Returns a protocol with other folders of raw images, by set.

    Raises:
        UserError: it has no such set, or there is no such folder.
    """
    for name, source in sources.items():
        if name not in protocol.sets:
            raise UserError(f"--source {name}={source}: {protocol.path} has sets {', '.join(protocol.sets)}")
        if not Path(source).is_dir():
            raise UserError(f"--source {name}={source}: there is no such folder")
    sets = {
        name: {**entry, "source": sources[name]} if name in sources else entry for name, entry in protocol.sets.items()
    }
    return replace(protocol, sets=sets)


def _find(path: str | Path) -> Path:
    name = str(path)
    is_short = os.sep not in name and not name.endswith(".py")
    return find_recipe(f"protocols/{name}.py" if is_short else path)


def _read(file: Path) -> dict:
    from mmengine.config import Config

    before = logging.root.manager.disable
    # MMEngine logs a line for each variable of the environment that it fills in.
    logging.disable(logging.INFO)
    try:
        return Config.fromfile(file).to_dict()
    except (SyntaxError, KeyError, AttributeError, NameError, TypeError, OSError, ValueError) as error:
        raise UserError(f"protocol {file} can't be read: {type(error).__name__}: {error}") from error
    finally:
        logging.disable(before)


def _problems(protocol: Protocol):
    """Yields what is wrong with values of a protocol, in words."""
    for name in ("phase3", "tested", "folds"):
        value = getattr(protocol, name)
        if isinstance(value, str) or not isinstance(value, Sequence) or not value:
            yield f"{name} is {value!r}; it is a list with one or more items"
            return
    for fold in protocol.folds:
        if not isinstance(fold, int) or not 0 <= fold < protocol.num_folds:
            yield f"folds has {fold!r}; a fold is a number from 0 to {protocol.num_folds - 1} (num_folds is {protocol.num_folds})"
    for name, recipes in (("tested", protocol.tested), ("summary", [protocol.summary])):
        for recipe in recipes:
            if recipe not in protocol.recipes:
                yield f"{name} has {recipe!r}, which is no recipe of a phase; those are {', '.join(protocol.recipes)}"
    if protocol.summary in protocol.recipes and protocol.summary not in protocol.tested:
        yield f"summary is {protocol.summary!r}, which isn't tested"
    if not isinstance(protocol.jobs, int) or protocol.jobs < 1:
        yield f"jobs is {protocol.jobs!r}; it is a number from 1 on"
    for name, entry in protocol.sets.items():
        for key in set(entry) - _SET_KEYS:
            yield f"sets[{name!r}] has {key!r}; there are {', '.join(sorted(_SET_KEYS))}"
        if "phantoms" in entry and "source" not in entry:
            yield f"sets[{name!r}] has phantoms, but no source, the folder that they are drawn into"
    for kind, entry in protocol.resources.items():
        for key in set(entry) - _RESOURCE_KEYS:
            yield f"resources[{kind!r}] has {key!r}; there are {', '.join(sorted(_RESOURCE_KEYS))}"
