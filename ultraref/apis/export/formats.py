"""One call for every format that a trained model is exported to."""

from pathlib import Path

from mmengine.config import Config, ConfigDict

from ultraref.apis.export.bundle import write_bundle
from ultraref.apis.model import init_model
from ultraref.atomic import atomic_folder
from ultraref.engine.portable_config import portable
from ultraref.errors import UserError

FORMATS = ("bundle", "onnx", "torchscript")


def export(cfg: Config, checkpoint: str | Path, format: str, out: str | Path) -> Path:
    """Exports a trained model into a folder, whole or not at all.

    Args:
        cfg: a config from `load_config`.
        checkpoint: of the whole model, as tools/train.py leaves it.
        format: one of FORMATS: "bundle" for ultraref itself (`ultraref.apis.load_bundle`), "onnx" and "torchscript" for
            programs that don't have it.
        out: the folder. What an export wrote there before is replaced; any other folder that isn't empty is refused.

    Returns:
        The folder.

    Raises:
        MissingFileError: there is no such checkpoint.
        UserError: the folder holds something else; the checkpoint doesn't fit; the model can't be brought into the format, or
            doesn't give the same result in it.
    """
    if format not in FORMATS:
        raise UserError(f"export: format is {format!r}; it must be one of {', '.join(FORMATS)}")
    checkpoint, out = Path(checkpoint), Path(out)
    _check_free(out, checkpoint)
    cfg = cfg.copy()
    cfg.model = ConfigDict(portable(cfg.model.to_dict()))
    model = init_model(cfg, str(checkpoint))
    with atomic_folder(out) as folder:
        if format == "bundle":
            write_bundle(cfg, model, checkpoint, folder)
        else:
            # It takes long to import, and needs an extra.
            from ultraref.apis.export.graphs import write_graphs

            write_graphs(cfg, model, format, folder)
    return out


def _check_free(out: Path, checkpoint: Path) -> None:
    """Refuses to replace a folder that no export wrote."""
    if out.exists() and not out.is_dir():
        raise UserError(f"--out {out} is a file; give a folder")
    written = any((out / name).is_file() for name in ("export.json", "model.safetensors"))
    if out.is_dir() and any(out.iterdir()) and (not written or checkpoint.resolve().is_relative_to(out.resolve())):
        raise UserError(f"--out {out} holds other things than an export; give a new folder")
