"""What the pages of identifying need beside the view: the keys, the choices, who asks.

The digits of a number or a code are drawn for the eye and for a screen reader; the loudspeaker
does not read them.
"""

from __future__ import annotations

from typing import Any, Final

from markupsafe import Markup

from tallystick.edge.screen.words import Words, drawing, figure
from tallystick.edge.view import Screen, View
from tallystick.look import art


def _(text: str) -> str:
    """Mark a sentence for the catalogues."""
    return text


SOURCES: Final = {
    "wages": _("My wages or pension"),
    "savings": _("My savings"),
    "sale": _("I sold something"),
    "gift": _("A gift, or money I inherited"),
    "business": _("My own business"),
    "benefits": _("Public benefits"),
    "other": _("Something else"),
}
"""The choices, by the server's words for them."""
PAD_KEYS: Final = _(
    "Type with the number keys. The hash key goes on, the star key takes back a digit. With "
    "nothing typed, the star key stops."
)
PHONE_GROUP: Final = 3
MAIL_KEYS: Final = _(
    "With the number keys, a letter takes two: the key that carries it on a phone, then its place "
    "on that key. A digit is its own key, then zero. The first key has at, dot, hyphen, underline, "
    "plus. The hash key goes on, the star key takes back."
)
ON_KEYS: Final = {
    "1": ("@", ".", "-", "_", "+"),
    "2": "abc",
    "3": "def",
    "4": "ghi",
    "5": "jkl",
    "6": "mno",
    "7": "pqrs",
    "8": "tuv",
    "9": "wxyz",
}
"""What each of the twelve keys carries (ITU-T E.161), and what an address needs beside letters."""
CODES: Final = {
    **{digit: f"{digit}0" for digit in "1234567890"},
    **{
        letter: f"{key}{place}"
        for key, letters in ON_KEYS.items()
        for place, letter in enumerate(letters, start=1)
    },
    ".com": "16",
}
"""Each letter that can be typed, and its two keys."""
ROWS: Final = (
    tuple("1234567890"),
    tuple("qwertyuiop"),
    tuple("asdfghjkl@"),
    tuple("zxcvbnm._-"),
    ("+", ".com"),
)


def pad(view: View, words: Words) -> dict[str, Any]:
    """Return what a page with number keys shows."""
    typed = view.typed
    step = PHONE_GROUP
    shown = [typed[at : at + step] for at in range(0, len(typed), step)]
    return {
        "digits": ["1", "2", "3", "4", "5", "6", "7", "8", "9", "0"],
        "typed": figure(" ".join(shown)),
        "pad_keys": words.say(PAD_KEYS),
        "asked_by": asked_by(view, words),
    }


def asked_by(view: View, words: Words) -> Any:
    """Say which law or policy asks."""
    if view.ask is None or view.ask.cite == "Policy of the operator":
        return words.say("Our own rules ask for this.")
    return words.say("The law here asks for this: {law}.", law=figure(view.ask.cite))


def mail(view: View, words: Words) -> dict[str, Any]:
    """Return what the page of an e-mail address shows."""
    rows = [[{"letter": one, "code": CODES[one]} for one in row] for row in ROWS]
    return {
        "rows": rows,
        "typed": Markup('<bdi dir="ltr">{}</bdi>').format(view.typed) if view.typed else "",
        "pad_keys": words.say(MAIL_KEYS),
        "asked_by": asked_by(view, words),
    }


def sight(view: View, words: Words) -> dict[str, Any]:
    """Return what a page of a picture shows."""
    shown = art.under() if view.screen is Screen.COPY else art.sitter()
    return {"drawing": drawing(shown), "asked_by": asked_by(view, words)}


def document(view: View, words: Words) -> dict[str, Any]:
    """Return what the page of a document shows."""
    return {"scanner": drawing(art.card()), "asked_by": asked_by(view, words)}


def source(view: View, words: Words) -> dict[str, Any]:
    """Return the choices of where money is from."""
    found = [{"id": name, "text": words.say(text)} for name, text in SOURCES.items()]
    return {"sources": found, "asked_by": asked_by(view, words)}


SCREENS: Final = {
    Screen.PHONE: pad,
    Screen.CODE: pad,
    Screen.DOCUMENT: document,
    Screen.COPY: sight,
    Screen.MAIL: mail,
    Screen.PHOTO: sight,
    Screen.SOURCE: source,
}
