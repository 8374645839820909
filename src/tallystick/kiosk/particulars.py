"""Who runs the machines: the operator's own particulars, a TOML file, whole or refused.

Screens, receipts, slips, reports and the public page say these and nothing made up. A server that
has none opens no machine; where a law wants more of them (a licence's number, a toll-free number,
the owner's address) and it is not stated, the place stays closed and says what is missing
(Decision 9). The sample that comes with this version names nobody, and sells no real coin.
"""

from __future__ import annotations

import datetime as dt
import functools
import re
import tomllib
from pathlib import Path
from typing import Annotated, Final

import msgspec
from msgspec import Meta, Struct

from tallystick.core import rulebook
from tallystick.core.rulebook.place import codes
from tallystick.kiosk import support, wire
from tallystick.kiosk.errors import KioskError

SAMPLE: Final = Path(__file__).parent / "operator.toml"
FILE: Final = "operator.toml"
"""The file's name in the server's data folder."""
FILE_BYTES_MAX: Final = 8_000_000
MACHINES_MAX: Final = 50_000
ANY: Final = "*"
"""In place of a place's code, in the sample alone."""
SHORT: Final = re.compile(r"[^\x00-\x1f\x7f]{1,64}")
TOLL_FREE: Final = re.compile(r"1?(800|833|844|855|866|877|888)[0-9]{7}")
"""The codes of the North American plan (47 CFR 52.101)."""
LICENCE, TOLL_FREE_NUMBER, ADDRESS = "licence", "toll-free", "address"
WANTS: Final = {
    LICENCE: "the number of the operator's licence there",
    TOLL_FREE_NUMBER: "a toll-free telephone number",
    ADDRESS: "the operator's own address",
}
"""What a law's provision may want of the operator (its term ``operator``), in words."""
NOBODY: Final = wire.Operator(name="", licence="", phone="", place="", label="")
UNNAMED: Final = (
    "Nobody has stated who runs this machine. It stays closed until the operator's particulars "
    "are given."
)

Named = Annotated[str, Meta(min_length=1, max_length=64, pattern=r"^[^\x00-\x1f\x7f]*$")]
Line = Annotated[str, Meta(max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")]
Telephone = Annotated[str, Meta(pattern=r"^\+?[0-9(][0-9 ().-]{5,30}[0-9]$")]
Web = Annotated[str, Meta(max_length=200, pattern=r"^(https://[^\s<>\"]+)?$")]


class OperatorUnreadable(KioskError):
    """The operator's particulars are not as they are written; nothing of them is taken."""

    code, money, say, status = 4019, "not taken: the machines stay closed", "kiosk.closed", 500


class Address(Struct, frozen=True, forbid_unknown_fields=True):
    """Where the operator is, in the parts that FinCEN's forms have."""

    street: Named
    """Number and street."""
    city: Named
    """The city."""
    state: Annotated[str, Meta(max_length=64)] = ""
    """The state, as the forms write it: two letters."""
    postcode: Annotated[str, Meta(max_length=16)] = ""
    """The ZIP or postal code."""
    country: Annotated[str, Meta(pattern=r"^[A-Z]{2}$")] = "US"
    """Two letters, ISO 3166-1."""

    @property
    def line(self) -> str:
        """The address on one line."""
        town = " ".join(part for part in (self.state, self.postcode) if part)
        return ", ".join(part for part in (self.street, self.city, town) if part)


class Filing(Struct, frozen=True, forbid_unknown_fields=True):
    """What FinCEN's forms ask of who files: CTR part IV and SAR part IV."""

    ein: Annotated[str, Meta(pattern=r"^([0-9]{2}-[0-9]{7})?$")] = ""
    """The employer identification number, such as ``12-3456789``."""
    msb_registration: Annotated[str, Meta(pattern=r"^([0-9]{14})?$")] = ""
    """The money services business's registration number (31 CFR 1022.380): 14 digits."""
    office: Line = ""
    """The contact office that FinCEN may call."""
    telephone: Telephone | None = None
    """That office's telephone; left out: the operator's."""


class Place(Struct, frozen=True, forbid_unknown_fields=True):
    """What differs from one place to another."""

    licence: Annotated[str, Meta(max_length=64)] = ""
    """The number of the licence or registration there; empty: none is shown."""
    authority: Line = ""
    """Where complaints go: the regulator with its telephone, where it must or may be shown."""
    police: Line | None = None
    """How to reach the police and agencies there; left out: as everywhere."""


class Machine(Struct, frozen=True, forbid_unknown_fields=True):
    """Where one machine stands."""

    address: Annotated[str, Meta(min_length=3, max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")]
    """The street address, on one line."""


class Particulars(Struct, frozen=True, forbid_unknown_fields=True, eq=False):
    """Who runs the machines, as screens, papers and reports say it."""

    name: Named
    """The legal name, as on the licence."""
    telephone: Telephone
    """The number that customers call."""
    address: Address
    """The operator's own address: the table below."""
    trading_as: Annotated[str, Meta(max_length=64)] = ""
    """A trade name, for FinCEN's forms; empty: none."""
    web: Web = ""
    """A web address, shown beside the address."""
    hours: Line = ""
    """When a person answers: ``always``, or such as ``mon-fri 08:00-22:00; sat 09:00-17:00``."""
    police: Line = ""
    """How to reach the police and agencies, where no place has words of its own."""
    filing: Filing = Filing()
    """What only FinCEN's forms ask."""
    places: dict[str, Place] = {}
    """By the place's code, such as ``US-CA``."""
    machines: dict[str, Machine] = {}
    """By the machine's name, such as ``Kiosk 0142``."""
    machine_address: Line = ""
    """Where a machine stands that is not in the list; empty: such a machine stays closed."""
    sample: bool = False
    """True in the sample alone, which no server takes on the network ``bitcoin``."""

    def of(self, code: str) -> Place:
        """Return what holds in a place."""
        return self.places.get(code) or self.places.get(ANY) or Place()

    def where(self, label: str) -> str:
        """Return a machine's address, or nothing where it is not stated."""
        held = self.machines.get(label)
        return held.address if held else self.machine_address

    def shown(self, code: str, label: str = "") -> wire.Operator:
        """Return what a machine's screen and papers say of who runs it."""
        there = self.of(code)
        return wire.Operator(
            name=self.name,
            licence=there.licence,
            phone=self.telephone,
            place=self.where(label),
            label=label,
            hours=support.read(self.hours),
            police=self.police if there.police is None else there.police,
            address=", ".join(part for part in (self.address.line, self.web) if part),
            authority=there.authority,
        )


def load(path: Path) -> Particulars:
    """Read an operator's file; raise `OperatorUnreadable` naming what is wrong with it."""
    try:
        body = path.read_bytes()
        if len(body) > FILE_BYTES_MAX:
            raise OperatorUnreadable(f"{path} has more than {FILE_BYTES_MAX} bytes")
        made = msgspec.convert(tomllib.loads(body.decode()), Particulars)
    except (OSError, ValueError, msgspec.ValidationError) as error:
        raise OperatorUnreadable(f"{path}: {error}") from error
    for wrong in faults(made):
        raise OperatorUnreadable(f"{path}: {wrong}")
    return made


def find(data: Path, given: Path | None = None) -> Particulars | None:
    """Return the particulars of the file given, else of the data folder's; None for neither."""
    path = given or data / FILE
    return load(path) if given or path.exists() else None


def faults(made: Particulars) -> list[str]:
    """Return what is wrong with particulars that are well formed: places, machines, hours."""
    known = {*codes(), *((ANY,) if made.sample else ())}
    strange = sorted(set(made.places) - known)
    found = [f"places: {code!r} is the code of no place of the law" for code in strange]
    if len(made.machines) > MACHINES_MAX:
        found.append(f"machines: at most {MACHINES_MAX}")
    found += [f"machines: {name[:80]!r} is no name" for name in made.machines if not _named(name)]
    try:
        support.read(made.hours)
    except support.HoursUnreadable as error:
        found.append(f"hours: {error}")
    return found


def _named(label: str) -> bool:
    return SHORT.fullmatch(label) is not None


@functools.cache
def sample() -> Particulars:
    """Return the sample of this version: nobody's particulars."""
    return load(SAMPLE)


def short_of(
    place: rulebook.Jurisdiction, who: Particulars | None, network: str, on: dt.date
) -> str:
    """Return what is not stated of the operator and must be, in one sentence, or nothing."""
    if who is None:
        return UNNAMED
    if who.sample and network == "bitcoin":
        return "The operator's particulars are the sample's, which nobody may sell real coin under."
    given = {
        LICENCE: bool(who.of(place.code).licence),
        TOLL_FREE_NUMBER: bool(TOLL_FREE.fullmatch(re.sub(r"\D", "", who.telephone))),
        ADDRESS: True,
    }
    for rule in place.on_day(on):
        for want in rule.terms.get("operator", ()):
            if rule.in_force(on) is not False and not given.get(want, False):
                said = WANTS.get(want, want)
                return f"The law of {place.name} wants {said} ({rule.cite}); none is stated."
    return support.short_of(place, who.shown(place.code), on)
