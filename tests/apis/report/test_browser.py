"""The page in a real browser, headless: nothing is cut off, on a screen, on a phone, on paper."""

import pytest

# Elements that reach past the page and stand in no box that scrolls.
CUT_OFF = """() => [...document.querySelectorAll('main *')].filter(element =>
    element.getBoundingClientRect().right > innerWidth + 0.5 && !element.closest('.scroll'))
    .map(element => element.outerHTML.slice(0, 80))"""
# Boxes that hide a part of what they hold, on paper.
CLIPPED = """() => [...document.querySelectorAll('.scroll')].filter(box =>
    box.scrollWidth > box.clientWidth + 1 || box.scrollHeight > box.clientHeight + 1)
    .map(box => box.outerHTML.slice(0, 80))"""


@pytest.mark.parametrize(("width", "media"), [(1280, "screen"), (400, "screen"), (690, "print")])
def test_nothing_is_cut_off(browser, written, width, media):
    page = browser.new_page(viewport=dict(width=width, height=900))
    said, asked = [], []
    page.on("console", lambda line: said.append(line.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("dialog", lambda dialog: said.append(dialog.message))
    page.on("request", lambda request: asked.append(request.url))
    page.emulate_media(media=media)
    page.goto(written.as_uri())
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert page.evaluate(CUT_OFF) == []
    if media == "print":
        assert page.evaluate(CLIPPED) == []
    assert said == []
    assert [url for url in asked if not url.startswith("data:")] == [written.as_uri()]
    # Pictures are decoded, and plots have a size.
    assert page.evaluate("[...document.images].every(image => image.naturalWidth > 0)")
    assert page.evaluate(
        "[...document.querySelectorAll('svg')].every(plot => plot.getBoundingClientRect().height > 80)"
    )
    page.close()
