"""The words and figures of the kiosk: one English sentence in the code, five tongues on the screen.

A sentence in the code is its own key; the catalogues beside (``tallystick/locale``) are read and
compiled in memory, once, so no build step can be forgotten. Figures are numbers of the place, not
of the tongue: money looks as on the place's own notes, in Western digits, and keeps its direction
inside right-to-left text (Decision 10). English says "bill" where the place does and "note"
elsewhere: such a sentence has a second entry in ``en`` under the context ``note``.
"""

from __future__ import annotations

import datetime as dt
import functools
import io
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from babel.dates import format_date, format_time
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_currency, format_percent
from babel.support import Translations
from markupsafe import Markup, escape

from tallystick.core.money import BTC, Amount, asset

LOCALE: Final = Path(__file__).parents[2] / "locale"
DOMAIN: Final = "kiosk"
BILL_CURRENCIES: Final = frozenset({"USD", "CAD"})
PLACE: Final = {"USD": "en_US", "CAD": "en_CA", "GBP": "en_GB", "EUR": "en_IE"}
"""Whose way of writing a currency we take, whatever the reader's tongue."""
MINUS: Final = "\N{MINUS SIGN}"


@dataclass(frozen=True, slots=True)
class Tongue:
    """A language of the screen: its own name, its direction, its clock and its voice."""

    code: str
    name: str
    clock: str
    voice: str
    rtl: bool = False

    @property
    def dir(self) -> str:
        """``rtl`` or ``ltr``."""
        return "rtl" if self.rtl else "ltr"


TONGUES: Final = {
    tongue.code: tongue
    for tongue in (
        Tongue("en", "English", "en_US", "en-us"),
        Tongue("es", "Español", "es_US", "es"),
        Tongue("fr", "Français", "fr_FR", "fr-fr"),
        Tongue("ar", "العربية", "ar_001", "ar", rtl=True),
        Tongue("ur", "اردو", "ur_PK", "ur", rtl=True),
    )
}


@functools.cache
def catalogue(code: str) -> Translations:
    """Read and compile one language's catalogue; raise `KeyError` for a language we lack."""
    tongue = TONGUES[code]
    with (LOCALE / code / "LC_MESSAGES" / f"{DOMAIN}.po").open("rb") as source:
        entries = read_po(source, locale=tongue.code, domain=DOMAIN)
    compiled = io.BytesIO()
    write_mo(compiled, entries)
    compiled.seek(0)
    return Translations(compiled, domain=DOMAIN)


class Words:
    """Sentences and figures for one reader in one place. ``hidden`` covers private sums."""

    def __init__(
        self,
        code: str,
        currency: str,
        zone: dt.tzinfo | None = None,
        hidden: bool = False,
    ) -> None:
        self.tongue = TONGUES.get(code, TONGUES["en"])
        self.hidden = hidden
        self._asset = asset(currency)
        self._zone = zone
        self._found = catalogue(self.tongue.code)
        self._note = self.tongue.code == "en" and currency not in BILL_CURRENCIES

    def look_up(self, text: str) -> str:
        """Return the sentence in the reader's tongue, its placeholders untouched."""
        if self._note:
            return str(self._found.pgettext("note", text))
        return str(self._found.gettext(text))

    def look_up_many(self, one: str, many: str, number: int) -> str:
        """Return the form for this number: Arabic has six, English two."""
        if self._note:
            return str(self._found.npgettext("note", one, many, number))
        return str(self._found.ngettext(one, many, number))

    def say(self, text: str, **values: Any) -> Markup:
        """Return a sentence for a page, each value kept apart from the text's direction."""
        return _fill(self.look_up(text), values)

    def count(self, one: str, many: str, number: int, **values: Any) -> Markup:
        """Return a sentence that counts; ``{n}`` is the number."""
        return _fill(self.look_up_many(one, many, number), {"n": number, **values})

    def plain_money(self, minor: int) -> str:
        """Return a sum of the place's currency as plain text: ``$20.00``."""
        amount = Amount(abs(minor), self._asset)
        where = PLACE.get(self._asset.code, "en_US")
        text = format_currency(Decimal(amount.decimal()), self._asset.code, locale=where)
        return (MINUS if minor < 0 else "") + text

    def plain_short(self, minor: int) -> str:
        """Return a sum without its cents when there are none: ``$20``."""
        text, zeros = self.plain_money(minor), "." + "0" * self._asset.exponent
        return text.removesuffix(zeros) if self._asset.exponent else text

    def money(self, minor: int) -> Markup:
        """Return a public sum: a price, a fee, a limit."""
        return figure(self.plain_money(minor))

    def short(self, minor: int) -> Markup:
        """Return a public sum without idle cents."""
        return figure(self.plain_short(minor))

    def sum(self, minor: int) -> Markup:
        """Return a private sum, covered when the customer hides sums."""
        return self._covered() if self.hidden else self.money(minor)

    def coin(self, sats: int) -> Markup:
        """Return an amount of bitcoin with all eight decimals, covered when sums are hidden."""
        return self._covered() if self.hidden else figure(plain_coin(sats))

    def percent(self, basis_points: int) -> Markup:
        """Return a share: 1,200 basis points are ``12%``."""
        return figure(plain_percent(basis_points))

    def at(self, moment: dt.datetime) -> Markup:
        """Return the clock time in the machine's zone, as the reader's tongue writes it."""
        return Markup('<bdi class="num">{}</bdi>').format(self.plain_at(moment))

    def plain_at(self, moment: dt.datetime) -> str:
        """Return the clock time as plain text; thin spaces become ones that every font has."""
        local = moment.astimezone(self._zone)
        text = format_time(local.time(), "short", locale=self.tongue.clock)
        return text.replace("\N{NARROW NO-BREAK SPACE}", "\N{NO-BREAK SPACE}")

    def day(self, moment: dt.datetime) -> Markup:
        """Return the day and the clock time: for a receipt that is read next year."""
        return figure(self.plain_day(moment))

    def plain_day(self, moment: dt.datetime) -> str:
        """Return ``2026-11-24 10:45`` in the machine's zone."""
        local = moment.astimezone(self._zone)
        return format_date(local.date(), "yyyy-MM-dd", locale="en") + f" {local:%H:%M}"

    def dots(self) -> Markup:
        """Return a covered sum for a narrow place: dots to see, the word to hear."""
        said = self.look_up("hidden")
        return Markup('<span aria-hidden="true">•••</span><span class="sr">{}</span>').format(said)

    def _covered(self) -> Markup:
        return Markup('<span class="covered">{}</span>').format(self.look_up("hidden"))


def plain_coin(sats: int) -> str:
    """Return ``0.00088000 BTC``."""
    return str(Amount(sats, BTC))


def plain_percent(basis_points: int) -> str:
    """Return ``12%`` or ``12.5%``."""
    return format_percent(Decimal(basis_points) / 10_000, "0.##%", locale="en")


def drawing(svg: str) -> Markup:
    """Mark a drawing of our own as ready for a page; a reader's words never come in here."""
    return Markup(svg)  # noqa: S704 - see above


def figure(text: str) -> Markup:
    """Keep a figure in one piece and in its own direction."""
    return Markup('<bdi class="num" dir="ltr">{}</bdi>').format(text)


def _fill(text: str, values: dict[str, Any]) -> Markup:
    apart = {
        name: value if isinstance(value, Markup) else Markup("<bdi>{}</bdi>").format(value)
        for name, value in values.items()
    }
    return escape(text).format(**apart)
