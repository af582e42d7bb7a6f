"""Which of a source's classes are lesion."""

from collections.abc import Collection, Mapping, Sequence
from difflib import get_close_matches

from ultraref.errors import UserError

# How many classes a message spells out: a photograph taken for a mask has thousands of colours.
_SHOWN = 20


def choose_classes(
    counts: Mapping[str, int], wanted: Sequence[str] | None, where: str, flag: str = "--classes"
) -> list[str]:
    """Returns the classes whose union is the lesion; the others are background.

    A source that marks one class needs no choice. One that marks several is never taken for one lesion in silence: a
    file of gland, carotid and nodule would become a lesion made of all three.

    Args:
        counts: how often each class occurs, by its name: objects of a category, or images with a mask's value or
            colour. Background isn't among them. A class that is listed but never occurs has 0.
        wanted: the names that the user chose; None where none were.
        where: the file or folder, for messages.
        flag: how the user chooses: an option, or an argument such as "classes=[...]".

    Returns:
        The chosen names in the order of `counts`, each once.

    Raises:
        UserError: several classes occur and none is chosen, none is chosen on purpose, or a chosen one isn't there.
    """
    if wanted is None:
        occurring = [name for name, count in counts.items() if count]
        if len(occurring) > 1:
            raise UserError(
                f"{where}: holds {len(occurring)} classes: {_listed(counts)}; name those that are lesion with {flag}, the "
                "others become background"
            )
        return occurring
    if isinstance(wanted, str):
        raise UserError(f"{flag} is {wanted!r}; it must be a list of names, such as [{wanted!r}]")
    chosen = {str(name) for name in wanted}
    strange = sorted(chosen - set(counts))
    if strange:
        raise UserError(
            f"{where}: has no class {' and no class '.join(map(repr, strange))} ({flag}){_nearest(strange, counts)}; it holds "
            f"{_listed(counts) or 'none'}"
        )
    if not chosen:
        raise UserError(f"{flag} names no class; {where} holds {_listed(counts) or 'none'}")
    return [name for name in counts if name in chosen]


def describe_choice(chosen: Collection[str], counts: Mapping[str, int], what: str) -> str:
    """Returns the line of the report that says which classes are lesion and which are background, each with its count.

    Args:
        chosen: by `choose_classes`.
        counts: as there.
        what: is counted: "masks", "objects".
    """
    others = _listed({name: count for name, count in counts.items() if name not in chosen})
    return f"lesion, by {what}: {_listed({name: counts[name] for name in chosen})}; background: {others or 'none'}"


def _listed(counts: Mapping[str, int]) -> str:
    names = sorted(counts, key=lambda name: (-counts[name], name))
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(f"{name} ({counts[name]})" for name in names[:_SHOWN]) + more


def _nearest(strange: Sequence[str], counts: Mapping[str, int]) -> str:
    by_lower: dict[str, str] = {name.casefold(): name for name in counts}
    near = [
        by_lower[match]
        for name in strange
        for match in get_close_matches(name.casefold(), list(by_lower), n=2, cutoff=0.6)
    ]
    return f", did you mean {' or '.join(map(repr, dict.fromkeys(near)))}?" if near else ""
