"""What sub-commands there are, and how a command is called in what users read."""

import re
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Command:
    """A sub-command.

    Attributes:
        summary: what `ultraref --help` says of it.
        module: its file in ultraref/cli, dotted; empty for a group.
        tool: its script in tools/, without suffix; empty for a group.
        commands: a group's own sub-commands by name.
    """

    summary: str
    module: str = ""
    tool: str = ""
    commands: "dict[str, Command]" = field(default_factory=dict)


def _converter(name: str, summary: str) -> Command:
    return Command(summary, f"convert.{name}", f"dataset_converters/{name}")


def _analysis(name: str, summary: str) -> Command:
    return Command(summary, f"analyse.{name}", f"analysis_tools/{name}")


COMMANDS = {
    "train": Command("train a recipe", "train", "train"),
    "preflight": Command("try a training before it is started", "preflight", "preflight"),
    "test": Command("test a checkpoint", "test", "test"),
    "predict": Command("segment images with a trained model", "predict", "predict"),
    "refine": Command("refine masks that another tool made", "refine", "refine"),
    "compare": Command("compare tests of several runs, case by case", "compare", "compare"),
    "calibrate-gate": Command("limit the share of cases that refinement harms", "calibrate_gate", "calibrate_gate"),
    "report": Command("a page about tests, with tables and plots", "report", "report"),
    "demo": Command("a local page to refine lesions by clicks", "demo", "demo"),
    "predict-coarse": Command("store out-of-fold coarse predictions for phase 2", "predict_coarse", "predict_coarse"),
    "import-predictions": Command(
        "store predictions of nnU-Net or another tool for phases 2 and 3", "import_predictions", "import_predictions"
    ),
    "protocol": Command("all phases over sets, folds and variants, and their tests", "protocol", "run_protocol"),
    "export": Command("hand a trained model on: a bundle, ONNX or TorchScript", "export", "export"),
    "convert": Command(
        "bring published or own images into the one layout",
        commands={
            "busi": _converter("busi", "the published BUSI archive"),
            "busbra": _converter("busbra", "the published BUS-BRA archive"),
            "bus": _converter("bus", "the published BUS (BUSIS) archive"),
            "bus-uc": _converter("bus_uc", "the published BUS_UC archive"),
            "bus-uclm": _converter("bus_uclm", "the published BUS-UCLM archive"),
            "udiat": _converter("udiat", 'the published UDIAT archive ("Dataset B")'),
            "coco": _converter("coco", "COCO instances"),
            "dicom": _converter("dicom", "DICOM ultrasound with DICOM Segmentations or mask images"),
            "nifti": _converter("nifti", "NIfTI pictures, loops and stacks with masks on the same grid"),
            "folder": _converter("folder", "any folder of images and masks"),
            "table": _converter("table", "images and masks that a CSV file lists"),
            "annotations": _converter("annotations", "outlines of LabelMe, VIA, CVAT, Supervisely or YOLO"),
            "to-coco": _converter("to_coco", "the other way: a converted set as COCO instances"),
        },
    ),
    "analyse": Command(
        "look at data, trainings, single cases and costs",
        commands={
            "browse-dataset": _analysis("browse_dataset", "what the networks see after the pipeline"),
            "plot-logs": _analysis("plot_logs", "learning curves of one or more trainings"),
            "visualize-case": _analysis("visualize_case", "prompts, ROI, candidates, gate and error of one case"),
            "harm-curve": _analysis("harm_curve", "coverage against harm and gain of the scores that accept a case"),
            "failures": _analysis("failures", "every case that refinement makes worse, with its prompts"),
            "flops": _analysis("flops", "parameters and operations of each part of a model"),
        },
    ),
    "audit": Command("look for leaks in converted sets", "audit", "audit_leakage"),
    "weights": Command("fetch and check published weights", "weights", "get_weights"),
    "print-config": Command("what a config comes to, and where each key is set", "print_config", "print_config"),
    "list": Command("what configs can name", "list_components", "list_components"),
    "quickstart": Command("all three phases, on made-up images or BUSI", "quickstart", "quickstart"),
    "phantoms": Command("write made-up images in BUSI's layout", "phantoms", "make_phantoms"),
    "browse-errors": Command("draw simulated segmentation errors", "browse_errors", "browse_errors"),
    "browse-augmentations": Command("draw the augmentations", "browse_augmentations", "browse_augmentations"),
    "fit-softness": Command("fit simulated errors to predictions", "fit_softness", "fit_softness"),
    "measure-prompts": Command("how good the prompts of each option are", "measure_prompts", "measure_prompts"),
}


def by_tool() -> dict[str, tuple[str, Command]]:
    """Returns, by script of tools/, what follows `ultraref` on the command line, and the command."""
    found = {}
    for name, command in COMMANDS.items():
        for own, inner in command.commands.items():
            found[inner.tool] = f"{name} {own}", inner
        if command.tool:
            found[command.tool] = name, command
    return found


# Whether a script of tools/ runs, so that commands are called as there. `ultraref.cli.main` sets it.
as_tools = False

_SCRIPT = re.compile(r"(?:python )?tools/([\w/]+)\.py")


def spell(text: str) -> str:
    """Returns a text with the commands that it mentions as the user types them.

    The package, its configs and its errors write `python tools/train.py`, as users of MMSegmentation type it. That stays in
    the output of the scripts; in that of `ultraref` it becomes `ultraref train`.
    """
    if as_tools:
        return text
    names = {tool: name for tool, (name, _) in by_tool().items()}
    # Where a message can't know which.
    names["dataset_converters/NAME"] = "convert NAME"
    return _SCRIPT.sub(lambda match: f"ultraref {names[match[1]]}" if match[1] in names else match[0], text)
