"""The reference's pages in a real browser."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from atlas import atlas

from routewright.codegen import publish
from routewright.codegen.reference import GENERATOR, Code, reference
from tests.chromium import Chromium

CODES = (Code("timeout", True, "No reply came.", "Repeat it."), Code("too_large", False, "Too much.", "Ask for less."))
CLOSES = (Code("1009", False, "A message was too large.", "Send less."),)

CONTRAST = """
(() => {
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const rgb = (color) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = color;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const light = (color) => {
    const linear = (each) => (each <= 0.04045 ? each / 12.92 : ((each + 0.055) / 1.055) ** 2.4);
    const [r, g, b] = color.map((each) => linear(each / 255));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (element) => {
    for (let each = element; each; each = each.parentElement) {
      const color = rgb(getComputedStyle(each).backgroundColor);
      if (color[3] === 255) return color;
    }
    return [255, 255, 255, 255];
  };
  const found = [];
  for (const element of document.querySelectorAll("body *")) {
    const own = [...element.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.data.trim());
    if (!own || !element.checkVisibility()) continue;
    const [a, b] = [light(rgb(getComputedStyle(element).color)), light(behind(element))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) found.push([element.outerHTML.slice(0, 100), ratio]);
  }
  return found;
})()
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("reference")
    publish(reference(atlas(), errors=CODES, closes=CLOSES), made, generator=GENERATOR)
    return made


@pytest.fixture(scope="module")
def chromium() -> Iterator[Chromium]:
    with Chromium() as browser:
        yield browser


def pages(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.html"))


def background(chromium: Chromium) -> Any:
    return chromium.evaluate("getComputedStyle(document.body).backgroundColor")


@pytest.mark.parametrize("dark", [False, True])
def test_every_page_is_quiet_and_legible(chromium: Chromium, folder: Path, dark: bool) -> None:
    for page in pages(folder):
        chromium.open(page, dark=dark)
        assert chromium.evaluate(CONTRAST) == []
        assert chromium.evaluate("document.querySelectorAll('main h1').length") == 1
    assert chromium.said == []


@pytest.mark.parametrize("width", [320, 360, 768, 1280])
def test_nothing_is_wider_than_the_window(chromium: Chromium, folder: Path, width: int) -> None:
    for page in pages(folder):
        chromium.open(page, width=width)
        chromium.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
        assert chromium.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
        wider = "[...document.querySelectorAll('main *')].filter((each) => each.scrollWidth > each.clientWidth + 1"
        cut = "&& getComputedStyle(each).display !== 'inline' && !each.closest('table:not([role]), thead'))"
        assert chromium.evaluate(f"{wider} {cut}.map((each) => each.outerHTML.slice(0, 200))") == []


def test_dark_and_light_follow_the_reader(chromium: Chromium, folder: Path) -> None:
    index, maps = folder / "index.html", folder / "routes/maps.html"
    chromium.open(index)
    light = background(chromium)
    chromium.open(index, dark=True)
    dark = background(chromium)
    assert light != dark
    assert chromium.evaluate("document.querySelector('.theme').getAttribute('aria-pressed')") == "true"
    chromium.evaluate("document.querySelector('.theme').click()")
    assert background(chromium) == light
    # what a page stores reaches the process of the next one in its own time, and not at all if its own ends before
    until = time.monotonic() + 10
    chromium.open(maps, dark=True)
    while background(chromium) != light and time.monotonic() < until:
        chromium.open(index, dark=True)
        if background(chromium) != light:
            chromium.evaluate("document.querySelector('.theme').click()")
        chromium.open(maps, dark=True)
    assert background(chromium) == light
    chromium.evaluate("document.querySelector('.theme').click()")
    assert background(chromium) == dark
    chromium.evaluate("localStorage.clear()")


def test_the_search_leaves_what_fits(chromium: Chromium, folder: Path) -> None:
    chromium.open(folder / "index.html")
    search = """(words) => {
      const input = document.querySelector("#search");
      input.value = words;
      input.dispatchEvent(new Event("input"));
      const rows = [...document.querySelectorAll("table.routes tbody tr")].filter((row) => row.checkVisibility());
      const status = document.querySelector("[role=status]").textContent;
      return [rows.map((row) => row.querySelector("a").textContent), status];
    }"""
    for words, found, status in (
        ("", ["/ws/maps/{region}/{rest...}", "/ws/audio", "/ws/open"], ""),
        ("CURSOR maps", ["/ws/maps/{region}/{rest...}"], "1 of 3"),
        ("legacy/", ["/ws/maps/{region}/{rest...}"], "1 of 3"),
        ("nowhere", [], "0 of 3"),
    ):
        assert chromium.evaluate(f"({search})({words!r})") == [found, status]


def test_without_script_everything_is_there(chromium: Chromium, folder: Path) -> None:
    words = "document.querySelector('main').innerText.split(/\\s+/).filter((word) => word !== 'Copy').join(' ')"
    for page in pages(folder):
        chromium.open(page)
        chromium.evaluate("document.querySelectorAll('.search').forEach((each) => { each.hidden = true; })")
        with_script = chromium.evaluate(words)
        chromium.open(page, script=False)
        assert chromium.evaluate(words) == with_script
        controls = "[...document.querySelectorAll('button, input')].filter((each) => each.checkVisibility()).length"
        assert chromium.evaluate(controls) == 0


def test_a_code_block_can_be_copied(chromium: Chromium, folder: Path) -> None:
    chromium.open(folder / "routes/maps.html")
    labels = chromium.evaluate(
        "(async () => { const button = document.querySelector('.copy'); button.focus(); button.click();"
        " await new Promise((done) => new MutationObserver(done).observe(button, { childList: true }));"
        " return [button.textContent, ...['pre', '.copy'].map((each) => document.querySelectorAll(each).length)]; })()"
    )
    assert labels[0] in ("Copied", "Selected")
    assert labels[1] == labels[2] > 0


def test_injected_script_does_not_run(chromium: Chromium, folder: Path) -> None:
    """The policy holds even where a page has been tampered with."""
    page = folder / "tampered.html"
    text = (folder / "index.html").read_text()
    page.write_text(text.replace("<h1>", "<script>window.ran = 1</script><img src=x onerror='window.ran = 1'><h1>"))
    chromium.open(page)
    assert chromium.evaluate("window.ran === undefined")
    assert any("Content Security Policy" in each for each in chromium.said)
    chromium.said.clear()
    page.unlink()
