"""The page in a real browser, headless: by mouse and keyboard, not by calling its functions. `ForetoldModel` answers."""

import json
import os
import socket
from urllib.parse import urlsplit

import cv2
import numpy as np
import pytest

pytest.importorskip("gradio", reason="needs Gradio: pip install 'ultraref[demo]'")

from ultraref.testing.phantom import make_phantom

MAX_BYTES, MAX_PIXELS = 300_000, 200_000
LOCAL = ("127.0.0.1", "localhost", "::1")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="module")
def phantom(tmp_path_factory):
    """A file with a phantom, and its lesion, (H, W)."""
    made = make_phantom(np.random.default_rng(3))
    path = tmp_path_factory.mktemp("phantom") / "phantom.png"
    cv2.imwrite(str(path), made.image)
    return path, made.masks[0]


@pytest.fixture(scope="module")
def reached():
    """Hosts that this process, the server among it, connected to while the tests of this file ran."""
    hosts, connect = set(), socket.socket.connect

    def record(self, address):
        if self.family in (socket.AF_INET, socket.AF_INET6):
            hosts.add(address[0])
        return connect(self, address)

    patch = pytest.MonkeyPatch()
    patch.setattr(socket.socket, "connect", record)
    yield hosts
    patch.undo()


@pytest.fixture(scope="module")
def server(reached, foretold_model, tmp_path_factory):
    """Address and temporary folder of a running page."""

    from ultraref.apis.demo.serve import demo_server

    # While the page runs, new temporary files of this process lie in its folder; those of the tests are to outlive it.
    tmp_path_factory.getbasetemp()
    folders = []

    def make(folder):
        folders.append(folder.parent)
        return foretold_model()

    with demo_server(make, "127.0.0.1", free_port(), MAX_BYTES, MAX_PIXELS) as address:
        yield address, folders[0]
    assert not folders[0].exists()


@pytest.fixture(params=[1280, 400])
def page(request, browser, server):
    opened = open_page(browser, server[0], request.param)
    yield opened
    # Nothing came from another host, and the page is no wider than the screen.
    hosts = {urlsplit(url).hostname for url in opened.asked if url.startswith(("http", "ws"))}
    assert hosts == {"127.0.0.1"}
    assert opened.errors == []
    assert opened.evaluate("document.documentElement.scrollWidth <= innerWidth")
    opened.context.close()


def open_page(browser, address, width):
    page = browser.new_context(viewport=dict(width=width, height=900), accept_downloads=True).new_page()
    page.set_default_timeout(20_000)
    page.asked, page.errors = [], []
    page.on("request", lambda request: page.asked.append(request.url))
    page.on("pageerror", lambda error: page.errors.append(str(error)))
    page.on("console", lambda line: page.errors.append(line.text) if line.type == "error" else None)
    page.goto(address)
    page.wait_for_selector("#viewer canvas", state="attached")
    return page


def upload(page, path):
    page.set_input_files("#image-file input[type=file]", str(path))
    page.wait_for_selector("#viewer .stage:not(.blank)")


def serial(page):
    return int(page.get_attribute("#viewer canvas", "data-serial") or 0)


def after(page, action):
    """Does something, and waits until the viewer has drawn what came of it."""
    before = serial(page)
    action()
    page.wait_for_function(f"Number(document.querySelector('#viewer canvas').dataset.serial) > {before}")
    # The table of numbers is changed in the same turn, but not at the same moment.
    page.wait_for_timeout(100)


def at(page, mask, x, y):
    """From a place in the image to one in the canvas."""
    canvas = page.locator("#viewer canvas")
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    height, width = mask.shape
    return dict(x=(x + 0.5) * box["width"] / width, y=(y + 0.5) * box["height"] / height)


def area(page):
    text = page.inner_text("#numbers tr:has-text('Area') td >> nth=0")
    return int(text.removesuffix(" px").replace(",", "")) if text.endswith("px") else None


def saved(page, button):
    with page.expect_download() as download:
        page.click(button)
    return download.value.suggested_filename, download.value.path().read_bytes()


def drag(page, mask, start, end):
    box = page.locator("#viewer canvas").bounding_box()
    (a, b) = (at(page, mask, *place) for place in (start, end))
    page.mouse.move(box["x"] + a["x"], box["y"] + a["y"])
    page.mouse.down()
    page.mouse.move(box["x"] + b["x"], box["y"] + b["y"], steps=4)
    page.mouse.up()


def test_click_undo_gate_and_download(page, phantom):
    path, lesion = phantom
    upload(page, path)
    assert area(page) is None
    x, y = (int(places.mean()) for places in np.nonzero(lesion)[::-1])
    canvas = page.locator("#viewer canvas")
    after(page, lambda: canvas.click(position=at(page, lesion, x, y)))
    # One click: the model's third guess, a square of 0.3 of the shorter side.
    side = 0.3 * min(lesion.shape)
    assert area(page) == pytest.approx(side**2, abs=2 * side)
    clicked = area(page)

    # The other button says background: the box ends before it.
    after(page, lambda: canvas.click(position=at(page, lesion, x - side / 4, y), button="right"))
    assert area(page) == pytest.approx(0.75 * side**2, abs=4 * side)
    name, content = saved(page, "#save-mask")
    assert name == "phantom_mask.png"
    mask = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED)
    assert mask.shape == lesion.shape
    assert set(np.unique(mask)) == {0, 255}
    assert (mask > 0).sum() == area(page)
    assert mask[y, x] == 255
    assert mask[y, int(x - side / 4) - 3] == 0
    name, content = saved(page, "#save-json")
    record = json.loads(content)
    assert (name, record["measurements"]["area_px"]) == ("phantom.json", area(page))
    assert [label for _, _, label in record["given"]["points"]] == [1, 0]
    assert record["given"]["points"][0][:2] == pytest.approx([x, y], abs=1)

    after(page, lambda: page.click("#viewer button[name=undo]"))
    assert area(page) == clicked
    after(page, lambda: page.click("#viewer button[name=undo]"))
    assert area(page) is None

    # A coarse mask by brush, a box elsewhere, and the gate between them.
    page.click("#viewer label:has-text('Paint')")
    after(page, lambda: drag(page, lesion, (60, 60), (120, 60)))
    painted = area(page)
    assert painted == pytest.approx(60 * 16 + np.pi * 64, rel=0.15)
    page.click("#viewer label:has-text('Box')")
    after(page, lambda: drag(page, lesion, (150, 150), (190, 180)))
    boxed = area(page)
    assert boxed == pytest.approx(40 * 30, rel=0.15)
    after(page, lambda: page.click("#gate-kind label:has-text('Same everywhere')"))
    assert area(page) == boxed

    def cap():
        page.fill("#gate-cap input[type=number]", "0")
        page.press("#gate-cap input[type=number]", "Tab")

    after(page, cap)
    assert area(page) == painted


def test_keyboard(page, phantom):
    path, lesion = phantom
    upload(page, path)
    page.focus("#viewer input[name=tool]")
    # On from the tools: Tab comes to the image, as Undo can't be used yet.
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.tagName") == "CANVAS"
    page.keyboard.press("Shift+ArrowRight")
    after(page, lambda: page.keyboard.press("Enter"))
    assert area(page) > 0
    content = json.loads(saved(page, "#save-json")[1])
    height, width = lesion.shape
    assert content["given"]["points"] == [[(width - 1) / 2 + 10, (height - 1) / 2, 1]]
    page.focus("#viewer canvas")
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Shift+Tab")
    assert page.evaluate("document.activeElement.name") == "undo"
    after(page, lambda: page.keyboard.press("Enter"))
    assert area(page) is None


def test_two_tabs_have_two_sessions_and_mistakes_are_said(browser, server, phantom, tmp_path):
    address, folder = server
    one, other = open_page(browser, address, 1280), open_page(browser, address, 1280)
    upload(one, phantom[0])
    after(one, lambda: one.locator("#viewer canvas").click())
    (tmp_path / "wrong.png").write_bytes(b"no image")
    other.set_input_files("#image-file input[type=file]", str(tmp_path / "wrong.png"))
    other.wait_for_selector("#viewer .notice.bad")
    assert other.inner_text("#viewer .notice").startswith("wrong.png: its content is of no format that is read")
    assert area(one) > 0
    assert area(other) is None
    # Too many pixels, then too many bytes.
    cv2.imwrite(str(tmp_path / "large.png"), np.zeros((500, 500), np.uint8))
    other.set_input_files("#image-file input[type=file]", str(tmp_path / "large.png"))
    other.wait_for_function("document.querySelector('#viewer .notice').innerText.startsWith('large.png')")
    noise = np.random.default_rng(0).integers(0, 256, (400, 400, 3), np.uint8)
    cv2.imwrite(str(tmp_path / "heavy.png"), noise)
    assert (tmp_path / "heavy.png").stat().st_size > MAX_BYTES
    other.set_input_files("#image-file input[type=file]", str(tmp_path / "heavy.png"))
    other.wait_for_selector("text=/exceed|too large|maximum/i")
    assert other.locator("#viewer .stage.blank").count() == 1
    # Nothing is left of what was refused while it arrived.
    files = [path for path in folder.rglob("*") if path.is_file() and path.stat().st_size > 0]
    assert {path.name for path in files} <= {"phantom.png", "wrong.png", "large.png"}
    for page in (one, other):
        page.context.close()


def test_the_page_is_of_this_machine_alone(server, reached):
    import httpx

    address, _ = server
    answer = httpx.get(address, trust_env=False)
    assert answer.status_code == 200
    assert "connect-src 'self'" in answer.headers["content-security-policy"]
    for word in ("fonts.googleapis", "cdnjs", '<script src="http'):
        assert word not in answer.text
    # What another site's name points to is refused.
    assert httpx.get(address, headers={"host": "elsewhere.example"}, trust_env=False).status_code == 400
    assert reached <= set(LOCAL)
    assert os.environ["GRADIO_ANALYTICS_ENABLED"] == "False"
