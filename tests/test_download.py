"""Downloads from a local server that does what servers do: break off, refuse, send something else."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from ultraref.download import DownloadError, download
from ultraref.errors import UserError

CONTENT = bytes(range(256)) * 4096


class Server:
    """Serves CONTENT at every path and keeps the Range headers that it was asked with.

    Attributes:
        cut: number of bytes after which an answer breaks off; None: never.
        ranges: whether it honours Range.
        sized: whether it says how much comes.
        status: answers with this error instead.
    """

    def __init__(self):
        self.cut, self.ranges, self.sized, self.status = None, True, True, None
        self.content, self.asked = CONTENT, []
        handler = type("Handler", (BaseHTTPRequestHandler,), {"do_GET": self._answer, "log_message": lambda *_: None})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_port}/weights.pth"

    def close(self):
        self._server.shutdown()
        self._server.server_close()

    @property
    def _answer(self):
        server = self

        def do_GET(handler):
            asked = handler.headers.get("Range")
            server.asked.append(asked)
            if server.status is not None:
                handler.send_error(server.status)
                return
            start = int(asked.removeprefix("bytes=").rstrip("-")) if asked and server.ranges else 0
            if start >= len(server.content):
                handler.send_error(416)
                return
            body = server.content[start:]
            handler.send_response(206 if asked and server.ranges else 200)
            if server.sized:
                handler.send_header("Content-Length", str(len(body)))
            if asked and server.ranges:
                handler.send_header("Content-Range", f"bytes {start}-{len(server.content) - 1}/{len(server.content)}")
            handler.end_headers()
            handler.wfile.write(body if server.cut is None else body[: server.cut])

        return do_GET


@pytest.fixture
def server():
    served = Server()
    yield served
    served.close()


def check(path):
    if path.read_bytes() != CONTENT:
        raise UserError("not the published file")


@pytest.mark.parametrize("sized", [True, False])
def test_a_file_comes_whole_and_leaves_nothing_beside_it(server, tmp_path, sized):
    server.sized = sized
    download(server.url, tmp_path / "new" / "weights.pth", check, len(CONTENT))
    assert (tmp_path / "new" / "weights.pth").read_bytes() == CONTENT
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["weights.pth"]


def test_connections_that_break_off_are_taken_up_again(server, tmp_path):
    server.cut = 400_000
    download(server.url, tmp_path / "weights.pth", check)
    assert (tmp_path / "weights.pth").read_bytes() == CONTENT
    assert server.asked == [None, "bytes=400000-", "bytes=800000-"]


def test_a_later_call_goes_on_from_what_an_earlier_one_left(server, tmp_path):
    (tmp_path / "weights.pth.partial").write_bytes(CONTENT[:1000])
    download(server.url, tmp_path / "weights.pth", check)
    assert server.asked == ["bytes=1000-"]
    assert not (tmp_path / "weights.pth.partial").exists()


def test_a_server_without_ranges_begins_anew(server, tmp_path):
    server.ranges = False
    (tmp_path / "weights.pth.partial").write_bytes(b"x" * 1000)
    download(server.url, tmp_path / "weights.pth", check)
    assert (tmp_path / "weights.pth").read_bytes() == CONTENT


@pytest.mark.parametrize("ranges", [True, False])
def test_a_server_that_always_breaks_off_is_given_up_and_what_came_is_kept(server, tmp_path, ranges):
    server.cut, server.ranges = (0, True) if ranges else (1000, False)
    (tmp_path / "weights.pth.partial").write_bytes(CONTENT[:1000])
    with pytest.raises(DownloadError, match=r"ended after 1,000 of 1,048,576 bytes.*goes on from there"):
        download(server.url, tmp_path / "weights.pth", check)
    assert not (tmp_path / "weights.pth").exists()
    assert (tmp_path / "weights.pth.partial").read_bytes() == CONTENT[:1000]


def test_what_is_not_the_published_file_is_deleted(server, tmp_path):
    server.content = b"<html>please log in</html>"
    with pytest.raises(UserError, match="not the published file"):
        download(server.url, tmp_path / "weights.pth", check, None)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("left", [b"x" * 1000, b"x" * len(CONTENT), b"x" * (len(CONTENT) + 5)])
@pytest.mark.parametrize("size", [None, len(CONTENT)])
def test_a_part_of_another_file_is_tried_once_and_thrown_away(server, tmp_path, left, size):
    (tmp_path / "weights.pth.partial").write_bytes(left)
    download(server.url, tmp_path / "weights.pth", check, size)
    assert (tmp_path / "weights.pth").read_bytes() == CONTENT


def test_a_complete_part_needs_no_server(tmp_path):
    (tmp_path / "weights.pth.partial").write_bytes(CONTENT)
    download("http://127.0.0.1:9/weights.pth", tmp_path / "weights.pth", check, len(CONTENT))
    assert (tmp_path / "weights.pth").read_bytes() == CONTENT


def test_errors_name_the_server(server, tmp_path):
    server.status = 404
    with pytest.raises(DownloadError, match=r"127\.0\.0\.1:\d+ answers 404 .* to http://"):
        download(server.url, tmp_path / "weights.pth", check)
    # A name that no network resolves, and a port where nobody listens.
    for url, host in (("http://weights.invalid/w", "weights.invalid"), ("http://127.0.0.1:9/w", "127.0.0.1:9")):
        with pytest.raises(DownloadError, match=f"{host} can't be reached: "):
            download(url, tmp_path / "weights.pth", check)
    assert list(tmp_path.iterdir()) == []


def test_an_unwritable_place_is_an_error_of_its_own(server, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(DownloadError, match="can't be written"):
        download(server.url, tmp_path / "file" / "weights.pth", check)
