"""The spec's descriptions as HTML.

Strategy: CommonMark by markdown-it, without its HTML, images and headings (a page has its own), and with links only to
the web. Most descriptions are a plain sentence, which needs no parser.
"""

import functools
import re
from urllib.parse import urlsplit

from markdown_it import MarkdownIt
from markupsafe import Markup

LONGEST = 20_000
"""Characters of a description that are read as Markdown; a longer one is shown as it is."""

_MARKED = re.compile(r"[`*_\[\]\\<>&|~\n]|^\s*(?:[-+#]|\d+[.)])|  $")


def _is_web(url: str) -> bool:
    try:
        return urlsplit(url).scheme.lower() in ("http", "https", "mailto")
    except ValueError:
        return False


@functools.cache
def _markdown() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False, "linkify": False}).enable(["table", "strikethrough"])
    parser.disable(["image", "heading", "lheading", "html_block", "html_inline", "hr", "reference"])
    parser.validateLink = _is_web  # type: ignore[method-assign]
    return parser


@functools.lru_cache(maxsize=4096)
def prose(text: str) -> Markup:
    """A description as paragraphs, lists, tables and code."""
    text = text.strip()
    if not text:
        return Markup("")
    if len(text) > LONGEST or not _MARKED.search(text):
        return Markup("<p>{}</p>").format(text)
    return Markup(_markdown().render(text))  # noqa: S704 - the parser escapes what it does not make itself


def line(text: str) -> Markup:
    """A summary: code is code, and nothing else is marked up."""
    parts = re.split(r"`([^`\n]+)`", " ".join(text.split()))
    return Markup("").join(
        Markup("<code>{}</code>").format(part) if index % 2 else part for index, part in enumerate(parts)
    )
