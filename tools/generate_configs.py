"""Writes the configs of all phases, data sets and folds from one template each:

python tools/generate_configs.py            writes configs/phase{1,2,3} for the sets that ship
python tools/generate_configs.py my_set     the same for configs/_base_/datasets/my_set.py, and nothing else

Fold 0 of a set is a whole config; the other folds state what they change. Values belong into configs/_base_ or into the
templates below, not into the files that this writes.
"""

import argparse
from pathlib import Path
from string import Template

CONFIGS = Path(__file__).resolve().parent.parent / "configs"
SETS = ("busi", "busbra", "bus", "bus_uc", "bus_uclm")
NUM_FOLDS = 5
# What phase 2 takes as coarse masks, by the name of the config and of its loader.
COARSE_MASKS = {
    "hybrid": "stored out-of-fold predictions and simulated errors, half and half",
    "online": "simulated errors alone",
    "predictions": "stored out-of-fold predictions alone",
}

HEADER = "# {}\n# Written by tools/generate_configs.py: change the template there.\n"

PHASE1 = """\
_base_ = [
    "../_base_/models/transunet.py",
    "../_base_/datasets/$set.py",
    "../_base_/loaders/coarse.py",
    "../_base_/schedules/phase1_sgd_poly_150e.py",
    "../_base_/default_runtime.py",
]
model = dict(
    type="CoarseSegmentor",
    data_preprocessor=dict(type="SegDataPreprocessor"),
    network=_base_.coarse_network,
    loss=dict(type="CEDiceLoss", ce_weight=0.5, dice_weight=0.5),
)
default_hooks = dict(checkpoint=dict(save_best="val_coarse/dice"))
train_dataloader = dict(dataset=dict(data_root=_base_.data_root))
val_dataloader = dict(dataset=dict(data_root=_base_.data_root))
test_dataloader = dict(dataset=dict(data_root=_base_.data_root))
"""

PHASE1_FOLD = """\
_base_ = "./transunet_${set}_fold0.py"
train_dataloader = dict(dataset=dict(fold=$fold))
val_dataloader = dict(dataset=dict(fold=$fold))
"""

PHASE2 = """\
_base_ = [
    "../_base_/models/sam_refiner.py",
    "../_base_/datasets/$set.py",
    "../_base_/loaders/refine_$kind.py",
    "../_base_/schedules/phase2_adamw_cosine_300e.py",
    "../_base_/default_runtime.py",
]
model = dict(
    type="RefinementSegmentor",
    data_preprocessor=dict(type="SegDataPreprocessor"),
    coarse_source=dict(type="FromSample"),
    refiner=_base_.refiner,
    gate=dict(type="ConstantGate", value=1.0),
    losses=dict(
        candidate_mask=dict(type="CandidateMaskLoss"),
        candidate_iou=dict(type="IoURegressionLoss"),
        change=dict(type="ChangePenalty", low=0.6, high=1.0),
    ),
    loss_weights=dict(candidate_mask=1.0, candidate_iou=1.0, change=0.5),
)
"""

# Data of phase 2, by part: what the loader's data sets get.
ONE_SET = "{part}_dataloader = dict(dataset=dict({arguments}))\n"
ALL_SETS = """\
{part}_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type="ConcatLesionDataset",
        datasets=[dict(_base_.{part}_dataloader.dataset, {arguments}) for one in _base_.sets],
    )
)
"""

PHASE2_FOLD = """\
_base_ = "./sam_${kind}_${set}_fold0.py"
train_dataloader = dict(dataset=dict(fold=$fold))
val_dataloader = dict(dataset=dict(fold=$fold))
test_dataloader = dict(dataset=dict(fold=$fold))
"""

PHASE2_FOLD_OF_ALL = """\
_base_ = "./sam_${kind}_all_fold0.py"
train_dataloader = dict(dataset=dict(datasets=[dict(d, fold=$fold) for d in _base_.train_dataloader.dataset.datasets]))
val_dataloader = dict(dataset=dict(datasets=[dict(d, fold=$fold) for d in _base_.val_dataloader.dataset.datasets]))
test_dataloader = dict(dataset=dict(datasets=[dict(d, fold=$fold) for d in _base_.test_dataloader.dataset.datasets]))
"""

PHASE2_SHARED = """\
# The reference's single SAM for all folds: trained on every training image. Its validation is on images that it has seen,
# and is labelled so; the last epoch is what counts (last.pth), and only the test set may be reported.
_base_ = "./sam_${kind}_${set}_fold0.py"
train_dataloader = $train
default_hooks = dict(checkpoint=dict(save_best=None))
custom_hooks = [
    dict(hook, allow_seen=True) if hook["type"] == "ProvenanceHook" else hook for hook in _base_.custom_hooks
]
"""

PHASE3 = """\
# The coarse network is frozen for 10 epochs, then its last two decoder blocks and its head train (reference, phase 3).
_base_ = [
    "../_base_/models/transunet.py",
    "../_base_/models/sam_refiner.py",
    "../_base_/datasets/$set.py",
    "../_base_/loaders/refine_joint.py",
    "../_base_/schedules/phase3_adamw_cosine_50e.py",
    "../_base_/default_runtime.py",
]
model = dict(
    type="RefinementSegmentor",
    data_preprocessor=dict(type="SegDataPreprocessor"),
    coarse_source=dict(
        type="FromNetwork", network=_base_.coarse_network, checkpoint="work_dirs/transunet_${set}_fold0/best.pth"
    ),
    refiner=dict(checkpoint="work_dirs/sam_hybrid_${set}_fold0/best.pth", **_base_.refiner),
    gate=dict(type="ConstantGate", value=1.0),
    losses=dict(coarse=dict(type="CEDiceLoss", ce_weight=1.0, dice_weight=1.0), final=dict(type="ProbBCEDiceLoss")),
    loss_weights=dict(coarse=0.1, final=0.9),
)
custom_hooks = [
    *_base_.custom_hooks,
    dict(
        type="ProgressiveUnfreezeHook",
        stages=[
            dict(name="sam", epoch=0, train=["refiner"]),
            dict(
                name="joint",
                epoch=10,
                train=["refiner", "coarse_source.network.decoder.blocks.[23]", "coarse_source.network.head"],
                # Two images a batch are too few for batch statistics.
                eval=["coarse_source.*:BatchNorm*"],
            ),
        ],
    ),
]
train_dataloader = dict(dataset=dict(data_root=_base_.data_root))
val_dataloader = dict(dataset=dict(data_root=_base_.data_root))
test_dataloader = dict(dataset=dict(data_root=_base_.data_root))
made_by = {
    "work_dirs/transunet_{fold}/best.pth": "python tools/train.py configs/phase1/transunet_{fold}.py",
    "work_dirs/sam_hybrid_{fold}/best.pth": "python tools/train.py configs/phase2/sam_hybrid_{fold}.py",
}
"""

PHASE3_FOLD = """\
_base_ = "./ultrarefiner_${set}_fold0.py"
model = dict(
    coarse_source=dict(checkpoint="work_dirs/transunet_${set}_fold${fold}/best.pth"),
    refiner=dict(checkpoint="work_dirs/sam_hybrid_${set}_fold${fold}/best.pth"),
)
train_dataloader = dict(dataset=dict(fold=$fold))
val_dataloader = dict(dataset=dict(fold=$fold))
test_dataloader = dict(dataset=dict(fold=$fold))
"""

GATED = """\
# Reference 2.5: where phase 2 is skipped, gate_max is 0.5 and the mask prompt gaussian. Outside the ROI q is the coarse
# probability, else the gate would pull uncertain coarse pixels there to 0.
_base_ = "./ultrarefiner_${set}_fold0.py"
model = dict(
    refiner=dict(
        checkpoint=None,
        roi=dict(outside="coarse"),
        prompts=[
            *_base_.model.refiner.prompts[:2],
            dict(type="MaskPromptGenerator", style="gaussian", kernel_size=7, sigma=3.0),
        ],
    ),
    gate=dict(_delete_=True, type="UncertaintyGate", gamma=1.0, gate_min=0.0, gate_max=0.5),
)
"""

GATED_FOLD = """\
_base_ = "./gated_${set}_fold0.py"
model = dict(coarse_source=dict(checkpoint="work_dirs/transunet_${set}_fold${fold}/best.pth"))
train_dataloader = dict(dataset=dict(fold=$fold))
val_dataloader = dict(dataset=dict(fold=$fold))
test_dataloader = dict(dataset=dict(fold=$fold))
"""


def generate(name: str) -> dict[str, str]:
    """Returns the configs of one set, path below configs/ -> text. `all` stands for the five sets together."""
    kinds = ("hybrid",) if name not in ("busi", "all") else tuple(COARSE_MASKS)
    files = {}
    for kind in kinds:
        files |= _phase2(name, kind)
    if name == "all":
        return files
    files |= _folds("phase1/transunet", name, "Phase 1: TransUNet on {set}, fold {fold}.", PHASE1, PHASE1_FOLD)
    files |= _folds("phase3/ultrarefiner", name, "Phase 3: both networks on {set}, fold {fold}.", PHASE3, PHASE3_FOLD)
    files |= _folds(
        "phase3/gated",
        name,
        "Phase 3 without phase 2: a published SAM behind an uncertainty gate, on {set}, fold {fold}.",
        GATED,
        GATED_FOLD,
    )
    return files


def _phase2(name: str, kind: str) -> dict[str, str]:
    every = name == "all"
    title = f"Phase 2: SAM on {COARSE_MASKS[kind]}; {'all five sets' if every else '{set}'}, fold {{fold}}."
    arguments = "**one" if every else "data_root=_base_.data_root, predictions=_base_.predictions_root"
    # Simulated errors of training and validation images need no stored predictions.
    unstored = "data_root=one.data_root" if every else "data_root=_base_.data_root"
    parts = {part: unstored if kind == "online" and part != "test" else arguments for part in ("train", "val", "test")}
    data = "".join((ALL_SETS if every else ONE_SET).format(part=part, arguments=parts[part]) for part in parts)
    fold = PHASE2_FOLD_OF_ALL if every else PHASE2_FOLD
    files = _folds(f"phase2/sam_{kind}", name, title, PHASE2 + data, fold, kind=kind)
    if every:
        train = "dict(dataset=dict(datasets=[dict(d, fold=None) for d in _base_.train_dataloader.dataset.datasets]))"
    else:
        train = "dict(dataset=dict(fold=None))"
    shared_title = f"Phase 2: SAM on {COARSE_MASKS[kind]}; {'all five sets' if every else name}, all folds."
    files[f"phase2/sam_{kind}_{name}_shared.py"] = HEADER.format(shared_title) + Template(PHASE2_SHARED).substitute(
        set=name, kind=kind, train=train
    )
    return files


def _folds(stem: str, name: str, title: str, first: str, other: str, **values: str) -> dict[str, str]:
    return {
        f"{stem}_{name}_fold{fold}.py": HEADER.format(title.format(set=name, fold=fold))
        + Template(other if fold else first).substitute(set=name, fold=fold, **values)
        for fold in range(NUM_FOLDS)
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sets", nargs="*", default=[*SETS, "all"], help="names of files in configs/_base_/datasets")
    parser.add_argument("--out", type=Path, default=CONFIGS, help="where to write (default: %(default)s)")
    args = parser.parse_args()
    for name in args.sets:
        if not (CONFIGS / "_base_" / "datasets" / f"{name}.py").is_file():
            parser.error(f"configs/_base_/datasets/{name}.py does not exist; write it first, busi.py there is a model")
    files = {path: text for name in args.sets for path, text in generate(name).items()}
    for path, text in files.items():
        (args.out / path).parent.mkdir(parents=True, exist_ok=True)
        (args.out / path).write_text(text, encoding="utf-8")
    print(f"wrote {len(files)} configs below {args.out}")


if __name__ == "__main__":
    main()
