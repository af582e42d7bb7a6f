"""The components that a config can name, as text."""

import inspect
import textwrap
from collections.abc import Callable, Sequence

from ultraref.engine.component_lookup import accepted_arguments, summary
from ultraref.errors import UserError
from ultraref.registry import ALL_REGISTRIES


def format_components(names: Sequence[str] = ()) -> str:
    """Lists registries with each component's summary and constructor arguments, in the order of `ALL_REGISTRIES`.

    Args:
        names: registries to list, in any case; all if empty. MMEngine's own components are left out.

    Raises:
        UserError: there is no registry of that name.
    """
    wanted = [name.upper() for name in names] or list(ALL_REGISTRIES)
    for name in wanted:
        if name not in ALL_REGISTRIES:
            raise UserError(f"there is no registry {name}; there are {', '.join(ALL_REGISTRIES)}")
    return "\n\n".join(_format_registry(name) for name in wanted)


def _format_registry(name: str) -> str:
    registry = ALL_REGISTRIES[name]
    registry.import_from_location()
    lines = [f"{name} ({len(registry.module_dict)})"]
    for component_name, component in sorted(registry.module_dict.items()):
        call = f"{component_name}({', '.join(_arguments(component))})"
        lines.append(textwrap.fill(call, 116, initial_indent="  ", subsequent_indent="      "))
        lines.append(textwrap.fill(summary(component), 116, initial_indent="    ", subsequent_indent="    "))
    return "\n".join(line for line in lines if line)


def _arguments(component: Callable) -> list[str]:
    """The constructor's arguments with their defaults, as in its signature; inherited ones by name only."""
    try:
        own = inspect.signature(component).parameters
    except (ValueError, TypeError):
        own = {}
    texts = [p.replace(annotation=p.empty) for p in own.values() if p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL)]
    inherited, is_open = accepted_arguments(component)
    return [*map(str, texts), *(name for name in inherited if name not in own), *(["**"] if is_open else [])]
