"""The values of a dumped config, read without running it."""

import ast
from collections.abc import Mapping


def plain_config(text: str) -> dict:
    """Returns the variables of a config that MMEngine dumped, whose values are literals and calls of `dict`.

    A report may be about a folder from elsewhere, whose Python files it must not run.

    Args:
        text: the config.

    Returns:
        Values by name; what is no such value is left out. Nothing of a text that isn't Python.
    """
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError):
        return {}
    found = {}
    for node in tree.body:
        if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
            try:
                found[node.targets[0].id] = _value(node.value)
            except (ValueError, TypeError):
                continue
    return found


def _value(node: ast.expr):
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "dict":
        content = {}
        for argument in node.args:
            content.update(_value(argument))
        content.update({keyword.arg: _value(keyword.value) for keyword in node.keywords if keyword.arg})
        return content
    if isinstance(node, ast.Dict):
        return {_value(key): _value(value) for key, value in zip(node.keys, node.values) if key is not None}
    if isinstance(node, (ast.List, ast.Tuple)):
        return [_value(item) for item in node.elts]
    return ast.literal_eval(node)


def section(config: Mapping, *keys: str) -> Mapping:
    """Returns the dict at a path of keys; an empty one where there is none."""
    node = config
    for key in keys:
        node = node.get(key) if isinstance(node, Mapping) else None
    return node if isinstance(node, Mapping) else {}
