"""A step of a protocol, as plain data: it is written to plan.json and handed to processes and cluster jobs."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from ultraref.errors import UserError

# What the tests came to, in words; the summary step writes it, and a call prints it at its end.
TEXT_NAME = "summary.txt"


@dataclass(frozen=True)
class Step:
    """A step.

    Attributes:
        name: unique in the protocol, and the name of its log: "train_unet_busi_fold0".
        kind: a key of `ultraref.protocol.kinds.KINDS`.
        title: of the row of the table that it is counted in; steps of one title do the same for other folds and sets.
        result: the file that it leaves last. It is finished only where this is there.
        stamp: records beside the result what it was made from; None for what is checked otherwise.
        inputs: files that it reads; those that earlier steps make among them.
        settings: what its config says, as text by dotted key; without what doesn't matter to this kind of step.
        arguments: what the kind's function takes.
        after: names of the steps that must be finished before.
        epochs: of a training, how many.
        threads: that it computes with; None for all.
        gpus: that it takes.
        is_kept: a result that is there without a stamp is a user's own, and is used as it is.
    """

    name: str
    kind: str
    title: str
    result: str
    stamp: str | None = None
    inputs: Sequence[str] = ()
    settings: Mapping[str, str] = field(default_factory=dict)
    arguments: Mapping = field(default_factory=dict)
    after: Sequence[str] = ()
    epochs: int | None = None
    threads: int | None = None
    gpus: int = 0
    is_kept: bool = False


@dataclass(frozen=True)
class Plan:
    """The steps of a call, each after those that it needs.

    Attributes:
        steps: the steps.
        work_dir: the protocol's.
        files: what the plan was derived from; see `ultraref.protocol.plan`.
        code: digest of each file of the package that results depend on, when the call began.
    """

    steps: Sequence[Step]
    work_dir: str
    files: Sequence[str] = ()
    code: Mapping[str, str] = field(default_factory=dict)

    def log(self, step: Step) -> Path:
        """Returns where the log of a step goes."""
        return Path(self.work_dir) / "logs" / f"{step.name}.log"

    def to_dict(self) -> dict:
        """Returns it as JSON holds it."""
        return asdict(self)

    @classmethod
    def from_dict(cls, content: dict) -> "Plan":
        """Makes one of what `to_dict` gave."""
        return cls(**{**content, "steps": [Step(**step) for step in content["steps"]]})


def in_order(steps: Sequence[Step]) -> list[Step]:
    """Returns steps such that each comes after those that it needs, else in the given order.

    Raises:
        UserError: steps need each other, or two leave the same result.
    """
    by_result: dict[str, Step] = {}
    for step in steps:
        other = by_result.setdefault(step.result, step)
        if other is not step:
            raise UserError(
                f"the steps {other.name} and {step.name} both write {step.result}; give one another run_name"
            )
    placed: dict[str, Step] = {}
    waiting = list(steps)
    names = {step.name for step in steps}
    while waiting:
        ready = [step for step in waiting if all(name in placed or name not in names for name in step.after)]
        if not ready:
            raise UserError(f"these steps wait for each other: {', '.join(step.name for step in waiting)}")
        placed.update((step.name, step) for step in ready)
        waiting = [step for step in waiting if step.name not in placed]
    return list(placed.values())
