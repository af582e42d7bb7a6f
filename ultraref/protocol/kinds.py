"""The kinds of steps, in the order in which a plan lists them. A further kind is one entry here."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from ultraref.protocol import candidates, runs
from ultraref.protocol.candidates import Recipes
from ultraref.protocol.runs import Work
from ultraref.protocol.step import Step


@dataclass(frozen=True)
class Kind:
    """A kind of step.

    Attributes:
        candidates: gives all steps of the kind that a protocol could have. Which steps one comes after follows from its
            inputs and their results.
        run: does the work of one, in a process of its own, and leaves its result.
        is_wanted: whether a call is about steps of this kind. Of others those run that a wanted one needs.
    """

    candidates: Callable[[Recipes], Iterator[Step]]
    run: Callable[[Step, Work], None]
    is_wanted: bool = False


KINDS = {
    "weights": Kind(candidates.weights, runs.get_weights),
    "convert": Kind(candidates.convert, runs.convert),
    "phase1": Kind(candidates.phase1, runs.train),
    "predict": Kind(candidates.predict, runs.predict),
    "phase2": Kind(candidates.phase2, runs.train),
    "phase3": Kind(candidates.phase3, runs.train),
    "test": Kind(candidates.test, runs.test, is_wanted=True),
    "summary": Kind(candidates.summary, runs.summarize, is_wanted=True),
    "report": Kind(candidates.report, runs.report, is_wanted=True),
}
