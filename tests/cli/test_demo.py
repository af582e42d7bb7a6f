"""How `ultraref demo` begins when it can't: one line each."""

import signal
import socket
import sys

import pytest

from ultraref.cli.main import main


@pytest.fixture(autouse=True)
def _keep_signals(monkeypatch):
    monkeypatch.setattr(signal, "signal", lambda *_: None)


def error_of(capsys, *arguments):
    assert main(["demo", *arguments]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    (line,) = printed.err.splitlines()
    return line


def test_a_busy_port(capsys):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        assert error_of(capsys, "--port", str(port)) == (
            f"error: can't listen on port {port} of 127.0.0.1 (Address already in use); choose another with --port"
        )


def test_gradio_is_missing(capsys, monkeypatch, free_port):
    monkeypatch.setitem(sys.modules, "gradio", None)
    assert "pip install 'ultraref[demo]'" in error_of(capsys, "--port", free_port)


def test_a_wrong_model(capsys, free_port):
    pytest.importorskip("gradio", reason="needs Gradio: pip install 'ultraref[demo]'")
    assert "did you mean refine/lite_medsam.py" in error_of(capsys, "refine/lite_medsm.py", "--port", free_port)
    assert "the demo needs a refinement model" in error_of(capsys, "phase1/unet.py", "--port", free_port)


@pytest.fixture
def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])


@pytest.mark.parametrize("port", ["0", "70000", "http"])
def test_no_port(capsys, port):
    with pytest.raises(SystemExit) as end:
        main(["demo", "--port", port])
    assert end.value.code == 2
    assert f"'{port}' is no port" in capsys.readouterr().err
