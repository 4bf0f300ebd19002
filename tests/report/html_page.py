"""A page as tests read it."""

from __future__ import annotations

import re
from html.parser import HTMLParser

VOID = {"meta", "link", "br", "img", "input", "hr", "source"}


class Page(HTMLParser):
    """Checks nesting; collects text, identifiers, headings and every attribute that loads something."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.stack: list[str] = []
        self.words: list[str] = []
        self.identifiers: list[str] = []
        self.headings: list[int] = []
        self.loaded: list[str] = []
        self.anchors: list[str] = []
        self.labels: list[str] = []
        self.tags: set[str] = set()
        self.feed(text)
        self.close()
        assert self.stack == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_startendtag(tag, attrs)
        if tag not in VOID:
            self.stack.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        given = dict(attrs)
        assert len(given) == len(attrs), f"attribute twice in <{tag}>"
        if "id" in given:
            self.identifiers.append(str(given["id"]))
        if re.fullmatch(r"h[1-6]", tag):
            self.headings.append(int(tag[1]))
        if tag == "svg" and given.get("role") == "img":
            self.labels.append(str(given.get("aria-label", "")))
        for name in ("src", "href", "xlink:href", "srcset", "poster", "data", "action"):
            if name in given:
                (self.anchors if str(given[name]).startswith("#") else self.loaded).append(str(given[name]))

    def handle_endtag(self, tag: str) -> None:
        assert self.stack, f"</{tag}> closes nothing"
        assert self.stack.pop() == tag

    def handle_data(self, data: str) -> None:
        if not self.stack or self.stack[-1] != "style":
            self.words.append(data)

    @property
    def text(self) -> str:
        """Everything a reader sees, one space between words."""
        return " ".join(" ".join(self.words).split())
