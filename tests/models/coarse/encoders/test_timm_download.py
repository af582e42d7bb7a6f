import io
import threading
import time

import pytest

from ultraref.errors import UserError
from ultraref.models.coarse.encoders import timm_download
from ultraref.models.coarse.encoders.timm_download import cached_weights
from ultraref.models.coarse.encoders.timm_encoder import TimmEncoder


@pytest.fixture
def uncached(monkeypatch):
    monkeypatch.setattr(timm_download, "try_to_load_from_cache", lambda repository, file_name: None)
    monkeypatch.setattr(timm_download.constants, "HF_HUB_OFFLINE", False)


def test_without_a_network_the_file_to_fetch_is_named(uncached, monkeypatch):
    # A port at which nothing listens refuses at once.
    monkeypatch.setattr(timm_download.constants, "ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(UserError) as caught:
        TimmEncoder("resnet18.a1_in1k", pretrained=True)
    message = str(caught.value)
    assert "127.0.0.1:9 can't be reached" in message
    assert "http://127.0.0.1:9/timm/resnet18.a1_in1k/resolve/main/model.safetensors" in message
    assert "checkpoint='weights/resnet18.a1_in1k.safetensors'" in message
    assert "\n" not in message


def test_a_host_that_never_answers_is_given_up(uncached, monkeypatch):
    monkeypatch.setattr(timm_download, "LIMIT_S", 0.2)
    done = threading.Event()
    monkeypatch.setattr(timm_download.urllib.request, "urlopen", lambda *_, **__: io.BytesIO(b"1" * done.wait(20)))
    start = time.monotonic()
    with pytest.raises(UserError, match=r"didn't answer within 0\.2 seconds"):
        cached_weights("resnet18")
    assert time.monotonic() - start < 10
    done.set()


def test_a_file_of_an_earlier_download_needs_no_network(monkeypatch, tmp_path):
    asked = []

    def cache(repository, file_name):
        asked.append((repository, file_name))
        return str(tmp_path / file_name)

    monkeypatch.setattr(timm_download, "try_to_load_from_cache", cache)
    assert cached_weights("resnet18") == tmp_path / "model.safetensors"
    assert asked == [("timm/resnet18.a1_in1k", "model.safetensors")]


def test_offline_by_choice_and_networks_without_weights(uncached, monkeypatch):
    monkeypatch.setattr(timm_download.constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(UserError, match="HF_HUB_OFFLINE is set"):
        cached_weights("resnet18")
    with pytest.raises(UserError, match="no published weights of 'resnet14t_nothing'"):
        cached_weights("resnet14t_nothing")
