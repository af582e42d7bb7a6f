"""Serves the page: on this machine alone unless asked otherwise, with nothing from elsewhere, and leaving nothing behind."""

import ipaddress
import os
import socket
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ultraref.apis.demo.demo_model import DemoModel
from ultraref.errors import MissingLibraryError, UserError

# The browser itself refuses to fetch anything from another host. Gradio builds functions from text, hence 'unsafe-eval'.
CONTENT_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self'; worker-src 'self' blob:; object-src 'none'; "
    "frame-ancestors 'none'; form-action 'self'"
)
# Tabs that are remembered; the one that was idle for longest goes first.
MAX_SESSIONS = 50


def require_gradio() -> None:
    """Imports Gradio with its telemetry off.

    Raises:
        MissingLibraryError: it isn't installed; names the extra.
    """
    # Gradio reads it when it is imported.
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
    try:
        import gradio  # noqa: F401
    except ImportError as error:
        raise MissingLibraryError(f"the demo needs Gradio ({error}): pip install 'ultraref[demo]'") from error


def require_free_port(host: str, port: int) -> None:
    """Checks that the page can be served there.

    Raises:
        UserError: another program listens, or there is no such address.
    """
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
    except OSError as error:
        raise UserError(
            f"can't listen on port {port} of {host} ({error.strerror}); choose another with --port"
        ) from error


def is_loopback(host: str) -> bool:
    """Whether only programs of this machine reach an address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


@contextmanager
def demo_server(
    make_model: Callable[[Path], DemoModel], host: str, port: int, max_bytes: int, max_pixels: int
) -> Iterator[str]:
    """Context manager that serves the page in threads of its own and yields its address.

    Uploads and embeddings are written to a temporary folder alone, which is gone at the end.

    Args:
        make_model: makes the model, given the folder for its embeddings.
        host: address to listen on.
        port: likewise.
        max_bytes: largest file that may be uploaded.
        max_pixels: most pixels of an image.

    Raises:
        UserError: the port is in use, or `make_model` raised it.
        MissingLibraryError: Gradio isn't installed.
    """
    require_free_port(host, port)
    require_gradio()
    import gradio as gr

    from ultraref.apis.demo.page import CSS, build_page

    with tempfile.TemporaryDirectory(prefix="ultraref_demo_") as folder, _temporary_files_in(folder):
        page = build_page(make_model(Path(folder) / "embeddings"), max_pixels)
        page.queue(default_concurrency_limit=1, max_size=200)
        try:
            _, address, _ = page.launch(
                server_name=host,
                server_port=port,
                max_file_size=max_bytes,
                prevent_thread_lock=True,
                quiet=True,
                inbrowser=False,
                share=False,
                ssr_mode=False,
                pwa=False,
                mcp_server=False,
                enable_monitoring=False,
                footer_links=[],
                state_session_capacity=MAX_SESSIONS,
                theme=gr.themes.Default(
                    primary_hue="blue", font=["system-ui", "sans-serif"], font_mono=["ui-monospace", "monospace"]
                ),
                css=CSS,
                app_kwargs=dict(middleware=_middleware(host), docs_url=None, redoc_url=None, openapi_url=None),
            )
        except OSError as error:
            raise UserError(f"can't listen on port {port} of {host}; choose another with --port") from error
        try:
            yield address
        finally:
            page.close(verbose=False)


@contextmanager
def _temporary_files_in(folder: str) -> Iterator[None]:
    """Lets Gradio, and the parser of uploads, write their files there."""
    before, default = os.environ.get("GRADIO_TEMP_DIR"), tempfile.tempdir
    os.environ["GRADIO_TEMP_DIR"], tempfile.tempdir = str(Path(folder) / "uploads"), folder
    try:
        yield
    finally:
        tempfile.tempdir = default
        if before is None:
            del os.environ["GRADIO_TEMP_DIR"]
        else:
            os.environ["GRADIO_TEMP_DIR"] = before


def _middleware(host: str) -> list:
    from starlette.middleware import Middleware
    from starlette.middleware.trustedhost import TrustedHostMiddleware

    layers = [Middleware(_WithPolicy)]
    if is_loopback(host):
        # A page of another site whose name was made to point here doesn't get in.
        layers.append(Middleware(TrustedHostMiddleware, allowed_hosts=["127.0.0.1", "localhost", "[::1]", host]))
    return layers


class _WithPolicy:
    """ASGI middleware that adds the policy to every answer."""

    def __init__(self, app):
        self.app = app

    async def __call__(self, scope, receive, send):
        async def send_with_policy(message):
            if message["type"] == "http.response.start":
                extra = [
                    (b"content-security-policy", CONTENT_POLICY.encode()),
                    (b"referrer-policy", b"no-referrer"),
                    (b"x-content-type-options", b"nosniff"),
                ]
                message = dict(message, headers=[*message.get("headers", []), *extra])
            await send(message)

        await self.app(scope, receive, send_with_policy)
