"""Pages in five languages: one English sentence in the code, looked up here in a catalogue.

Catalogues are read and compiled in memory, once; each face has a domain of its own. The language is
the one that the reader chose, else the first that their browser asks for and that we have.
"""

from __future__ import annotations

import datetime as dt
import functools
import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from babel.dates import format_date, format_time
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import Translations
from markupsafe import Markup, escape

LOCALE: Final = Path(__file__).parents[1] / "locale"
ASKED_CHARS_MAX: Final = 200


@dataclass(frozen=True, slots=True)
class Language:
    """A language of the pages: its own name, whose dates it writes, and its direction."""

    code: str
    name: str
    dates: str
    dir: str = "ltr"


LANGUAGES: Final = {
    one.code: one
    for one in (
        Language("en", "English", "en_GB"),
        Language("es", "Español", "es_ES"),
        Language("fr", "Français", "fr_FR"),
        Language("ar", "العربية", "ar_001", "rtl"),
        Language("ur", "اردو", "ur_PK", "rtl"),
    )
}


def chosen(given: str, accepted: str) -> str:
    """Return the language that was chosen, else the first of ``Accept-Language`` that we have."""
    asked = accepted[:ASKED_CHARS_MAX].lower()
    wanted = (given, *(part.strip()[:2] for part in asked.split(",")))
    return next((code for code in wanted if code in LANGUAGES), "en")


@functools.cache
def catalogue(domain: str, code: str) -> Translations:
    """Read and compile one language's catalogue."""
    with (LOCALE / code / "LC_MESSAGES" / f"{domain}.po").open("rb") as source:
        entries = read_po(source, locale=code, domain=domain)
    compiled = io.BytesIO()
    write_mo(compiled, entries)
    compiled.seek(0)
    return Translations(compiled, domain=domain)


class Words:
    """Sentences and dates of one face for one reader."""

    def __init__(self, domain: str, code: str) -> None:
        self.domain = domain
        self.language = LANGUAGES.get(code, LANGUAGES["en"])

    def __call__(self, text: str, **values: Any) -> Markup:
        """Return a sentence, each value kept apart from the text's direction."""
        return escape(self.plain(text)).format(
            **{name: Markup("<bdi>{}</bdi>").format(value) for name, value in values.items()}
        )

    def plain(self, text: str) -> str:
        """Return a sentence as text: the English one where there is no other."""
        if self.language.code == "en":
            return text
        return str(catalogue(self.domain, self.language.code).gettext(text))

    def knows(self, text: str) -> bool:
        """Say whether a sentence is in the reader's language."""
        return self.language.code == "en" or self.plain(text) != text

    def day(self, day: dt.date) -> Markup:
        """Return a day as the reader's language writes it."""
        text = format_date(day, "long", locale=self.language.dates)
        return Markup("<bdi>{}</bdi>").format(text)

    def moment(self, at: dt.datetime) -> Markup:
        """Return a day and a clock time, in UTC."""
        clock = format_time(at, "HH:mm", tzinfo=dt.UTC, locale="en")
        return Markup('{}, <bdi dir="ltr">{} UTC</bdi>').format(self.day(at.date()), clock)
