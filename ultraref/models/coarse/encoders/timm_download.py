"""Says within seconds that timm can't download weights; its own way takes a minute and hundreds of lines."""

import threading
import urllib.error
import urllib.request
from pathlib import Path

import timm
from huggingface_hub import constants, try_to_load_from_cache

from ultraref.errors import UserError

# The whole answer, looking up the host's name included.
LIMIT_S = 8.0


def cached_weights(name: str) -> Path | None:
    """Returns the file of weights that an earlier download left, or None where timm is to download them.

    Args:
        name: timm's name of the network, with or without the tag of its weights.

    Raises:
        UserError: timm knows no weights of it; or there is neither a file nor a way to the server, and the message says what to put
            where by hand.
    """
    config = timm.get_pretrained_cfg(name)
    repository = getattr(config, "hf_hub_id", None)
    if not repository:
        raise UserError(f"timm has no published weights of {name!r}; give checkpoint=FILE, or pretrained=False")
    repository = f"{repository}{config.architecture}.{config.tag}" if repository.endswith("/") else repository
    for file_name in ("model.safetensors", "pytorch_model.bin"):
        found = try_to_load_from_cache(repository, file_name)
        if isinstance(found, str):
            return Path(found)
    url = f"{constants.ENDPOINT}/{repository}/resolve/main/model.safetensors"
    reason = _unreachable(url)
    if reason is not None:
        raise UserError(
            f"the weights of {name} (pretrained=True) can't be downloaded: {reason}. Fetch {url} on another machine, and "
            f"give the file: checkpoint='weights/{name}.safetensors' in the place of pretrained=True"
        )
    return None


def _unreachable(url: str) -> str | None:
    """Returns why nothing answers at a URL; None where something does, whatever it says."""
    if constants.HF_HUB_OFFLINE:
        return "HF_HUB_OFFLINE is set"
    reason = [f"{url.split('/')[2]} didn't answer within {LIMIT_S:g} seconds"]

    def ask() -> None:
        try:
            urllib.request.urlopen(urllib.request.Request(url, method="HEAD"), timeout=LIMIT_S).close()
            reason[:] = []
        except urllib.error.HTTPError:
            # An answer, too. What is wrong with it, the download says.
            reason[:] = []
        except (OSError, ValueError) as error:
            reason[:] = [f"{url.split('/')[2]} can't be reached ({getattr(error, 'reason', error)})"]

    # A thread, as no timeout covers the lookup of a host's name.
    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(LIMIT_S)
    return reason[0] if reason else None
