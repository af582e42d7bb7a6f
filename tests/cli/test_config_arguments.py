import argparse

import pytest

from ultraref.cli.config_arguments import add_config_arguments, read_value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("3", 3),
        ("0.25", 0.25),
        ("True", True),
        ("None", None),
        ("a", "a"),
        ("1,2", [1, 2]),
        ("[1, b]", [1, "b"]),
        ("(1,2)", (1, 2)),
        ("'[(1,2),(3,4)]'", [(1, 2), (3, 4)]),
        # Paths as people have them.
        ("my data/set", "my data/set"),
        ("'a,b'", "a,b"),
        ('"[1"', "[1"),
        ("it's", "it's"),
        ('q"u', 'q"u'),
        ("a\\b", "a\\b"),
        ("~/data", "~/data"),
        ("a=b", "a=b"),
        ("", ""),
    ],
)
def test_values_are_what_they_look_like(text, value):
    assert read_value(text) == value


@pytest.mark.parametrize("option", ["lr", "=3", "a=(1,2", "a=[1,2]]", "a=[[1,2]"])
def test_what_cannot_be_read_is_a_line_of_the_parser(option, capsys):
    parser = argparse.ArgumentParser(prog="train")
    add_config_arguments(parser)
    with pytest.raises(SystemExit) as caught:
        parser.parse_args(["x.py", "--cfg-options", option])
    assert caught.value.code == 2
    assert option in capsys.readouterr().err.splitlines()[-1]


def test_options_add_up():
    parser = argparse.ArgumentParser()
    add_config_arguments(parser)
    args = parser.parse_args(["x.py", "--cfg-options", "a=1", "b=2", "--cfg-options", "b=3"])
    assert args.cfg_options == {"a": 1, "b": 3}
