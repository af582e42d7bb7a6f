"""Tables as LaTeX."""

from collections.abc import Sequence

_SPECIAL = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": "$<$",
    ">": "$>$",
    "\n": " ",
    **{character: "\\" + character for character in "&%$#_{}"},
}


def latex_table(
    head: Sequence[str], rows: Sequence[Sequence[str]], notes: Sequence[str] = (), num_words: int = 1
) -> str:
    """Returns a `tabular` (package booktabs), with notes above it as comments.

    Args:
        head: names of the columns, plain text.
        rows: their cells, plain text.
        notes: lines.
        num_words: the first columns, which hold words and are set flush left; the others are set flush right.
    """
    columns = "l" * num_words + "r" * (len(head) - num_words)
    lines = [*(f"% {' '.join(note.split())}" for note in notes), rf"\begin{{tabular}}{{{columns}}}", r"\toprule"]
    lines += [_row(head), r"\midrule", *map(_row, rows), r"\bottomrule", r"\end{tabular}"]
    return "\n".join(lines) + "\n"


def _row(cells: Sequence[str]) -> str:
    texts = ["".join(_SPECIAL.get(character, character) for character in cell) for cell in cells]
    # A hyphen before a number is a minus, also in an interval.
    parts = [[f"${part}$" if _is_number(part) else part for part in text.split(" to ")] for text in texts]
    return " & ".join(map(" to ".join, parts)) + r" \\"


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
