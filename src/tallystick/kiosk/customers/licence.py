"""Driver's licences and identity cards: the AAMVA code (PDF417) read strictly.

After the AAMVA DL/ID Card Design Standard, annex D: a header names the issuer and the version, a
table says where each subfile lies, elements are three letters and a value to the end of the line.
Versions 1 to 10 are read; dates are month first in the United States, year first in Canada, and in
version 1 everywhere. Anything else is refused; nothing is guessed but the place of a subfile whose
table is off by the line ends that some scanners change.
"""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from typing import Final

from tallystick.kiosk.customers.errors import LicenceUnreadable

BYTES_MAX: Final = 2_048
VALUE_CHARS_MAX: Final = 80
LINE_END_CHARS: Final = 2
"""What a scanner may take off the end of what it read."""
VERSIONS: Final = range(1, 11)
SUBFILES: Final = {"DL", "ID", "EN"}
CANADA: Final = "CAN"
_HEADER = re.compile(r"@\s{1,4}(?:\x1c|\x1e)?\s{0,2}(?:ANSI |AAMVA)(\d{6})(\d{2})")
_PLACE = re.compile(r"(DL|ID|EN)(\d{4})(\d{4})")
_NUMBER = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ./*-]{0,24}")
_ELEMENT = re.compile(r"(?:^|[\n\r\x1e])((?:D[A-D]|Z[A-Z])[A-Z0-9])([^\n\r\x1e]*)")


@dataclass(frozen=True, slots=True)
class Licence:
    """What a licence says of its holder. ``issuer``: the six digits of who issued it."""

    issuer: str
    number: str
    family: str
    given: str
    born: dt.date
    expires: dt.date | None
    street: str
    city: str
    region: str
    postcode: str
    country: str
    version: int

    def age(self, on: dt.date) -> int:
        """Return the holder's age on a day, in whole years."""
        before = (on.month, on.day) < (self.born.month, self.born.day)
        return on.year - self.born.year - before


def parse(text: str) -> Licence:
    """Read the text of the code; raise `LicenceUnreadable` naming what is missing."""
    if len(text.encode("utf-8", "replace")) > BYTES_MAX:
        raise LicenceUnreadable("longer than any licence")
    header = _HEADER.match(text)
    if header is None:
        raise LicenceUnreadable("it does not begin as a licence does")
    issuer, version = header[1], int(header[2])
    if version not in VERSIONS:
        raise LicenceUnreadable(f"version {version} is not one we read")
    found = _elements(text, header.end())
    country = found.get("DCG", "USA").upper()[:3]
    family, given = _names(found, version)
    return Licence(
        issuer=issuer,
        number=_number(_need(found, "DAQ")),
        family=family,
        given=given,
        born=_day(_need(found, "DBB"), country, version, "date of birth"),
        expires=_end(found.get("DBA", ""), country, version),
        street=" ".join(part for part in (found.get("DAG", ""), found.get("DAH", "")) if part),
        city=found.get("DAI", ""),
        region=found.get("DAJ", ""),
        postcode=found.get("DAK", "")[:5] if country == "USA" else found.get("DAK", ""),
        country=country,
        version=version,
    )


def _elements(text: str, start: int) -> dict[str, str]:
    """Return the elements of the licence's own subfile, wherever its text begins."""
    place = _PLACE.search(text, start)
    if place is None or place[1] not in SUBFILES:
        raise LicenceUnreadable("it holds no subfile of a licence or identity card")
    table = re.compile(rf"(?:[A-Z]{{2}}\d{{8}})*{place[1]}(?=D[A-D][A-Z])")
    body = table.search(text, place.start())
    if body is None:
        raise LicenceUnreadable("its subfile is not there")
    if len(text) - body.end() + len(place[1]) < int(place[3]) - LINE_END_CHARS:
        raise LicenceUnreadable("its subfile is cut off")
    found: dict[str, str] = {}
    for key, value in _ELEMENT.findall("\n" + text[body.end() :]):
        if not key.startswith("Z"):
            found.setdefault(key, value.strip()[:VALUE_CHARS_MAX])
    return found


def _need(found: dict[str, str], key: str) -> str:
    value = found.get(key, "")
    if not value or value.upper() in {"NONE", "UNAVL"}:
        raise LicenceUnreadable(f"it has no {key}")
    return value


def _number(text: str) -> str:
    if not _NUMBER.fullmatch(text):
        raise LicenceUnreadable("its number is none")
    return text


def _names(found: dict[str, str], version: int) -> tuple[str, str]:
    """Return family and given names: whole in DAA once, in DCT later, apart since version 4."""
    if version == 1 and "DAA" in found:
        family, _, given = found["DAA"].replace("$", ",").partition(",")
        parts = [family, given.replace(",", " ")]
    elif "DCS" in found:
        given = found.get("DAC") or found.get("DCT", "").replace(",", " ")
        middle = found.get("DAD", "")
        parts = [found["DCS"], f"{given} {'' if middle == 'NONE' else middle}"]
    else:
        parts = [_need(found, "DAB"), f"{_need(found, 'DAC')} {found.get('DAD', '')}"]
    family, given = (" ".join(part.split()) for part in parts)
    if not family:
        raise LicenceUnreadable("it has no family name")
    return family, given


def _day(text: str, country: str, version: int, what: str) -> dt.date:
    digits = text.replace("-", "").replace("/", "")
    year_first = country == CANADA or version == 1
    try:
        if len(digits) != 8 or not digits.isascii():
            raise ValueError
        parts = (digits[:4], digits[4:6], digits[6:])
        if not year_first:
            parts = (digits[4:], digits[:2], digits[2:4])
        return dt.date(*map(int, parts))
    except ValueError as error:
        raise LicenceUnreadable(f"its {what} is not a day") from error


def _end(text: str, country: str, version: int) -> dt.date | None:
    """Return the last day, or None for one that does not end or says nothing."""
    if not text or not any(letter in "123456789" for letter in text) or "9999" in text:
        return None
    return _day(text, country, version, "last day")
