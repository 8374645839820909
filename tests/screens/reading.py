"""Reads a page as a stranger would: its words by language, its forms and their buttons."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = frozenset({"input", "br", "meta", "link", "img"})
QUIET = frozenset({"script", "style", "bdi", "svg"})
"""Elements whose text is no sentence: figures and names keep apart in ``bdi``."""


@dataclass
class Form:
    method: str
    action: str
    fields: dict[str, str] = field(default_factory=dict)
    buttons: list[dict[str, str]] = field(default_factory=list)


class Page(HTMLParser):
    """A drawn page: ``words`` are its text nodes in the page's own language, ``forms`` its acts."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.words: list[str] = []
        self.names: list[str] = []
        self.forms: list[Form] = []
        self.ids: list[str] = []
        self._open: list[tuple[str, str, bool]] = []
        self.feed(html)
        assert not self._open, f"never closed: {self._open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self._name(given)
        self._act(tag, given)
        if tag in VOID:
            return
        outer = self._open[-1] if self._open else ("", "", False)
        code = "code" in given.get("class", "").split() or "groups" in given.get("class", "")
        self._open.append(
            (tag, given.get("lang", outer[1]), outer[2] or tag in QUIET or code),
        )

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """An element that closes itself has no words."""

    def handle_endtag(self, tag: str) -> None:
        assert self._open, f"</{tag}> with nothing open"
        assert self._open[-1][0] == tag, f"</{tag}> in <{self._open[-1][0]}>"
        self._open.pop()

    def handle_data(self, data: str) -> None:
        tag, lang, quiet = self._open[-1] if self._open else ("", "", True)
        if data.strip() and not quiet and lang == self._open[0][1] and tag != "title":
            self.words.append(" ".join(data.split()))

    def _name(self, given: dict[str, str]) -> None:
        if "id" in given:
            self.ids.append(given["id"])
        if given.get("aria-label"):
            self.names.append(given["aria-label"])

    def _act(self, tag: str, given: dict[str, str]) -> None:
        if tag == "form":
            self.forms.append(Form(given.get("method", "get"), given.get("action", "")))
        elif tag == "input" and given.get("type") == "hidden":
            self.forms[-1].fields[given["name"]] = given.get("value", "")
        elif tag == "button":
            self.forms[-1].buttons.append(given)


def catalogue_key(text: str) -> str:
    return " ".join(text.split())
