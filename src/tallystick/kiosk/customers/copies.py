"""A customer's copy of everything about them: JSON for a machine, PDF for a person.

Made from what `rights.export` opened on record; kept nowhere by us.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import msgspec
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from tallystick import look
from tallystick.core.money import Amount, asset

ENV: Final = Environment(
    loader=FileSystemLoader(Path(__file__).parent),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
)
KINDS: Final = {
    "phone": "Telephone",
    "email": "E-mail address, not verified",
    "copy": "Picture of the card",
    "photo": "Picture of the person",
    "source": "Source of the money",
}
"""What a kind of record is called, where its own word says too little."""
LABELS: Final = {
    "number": "Number",
    "family": "Family name",
    "given": "Given names",
    "born": "Born",
    "expires": "Good until",
    "street": "Street",
    "city": "City",
    "region": "Region",
    "postcode": "Postcode",
    "country": "Country",
    "issuer": "Issuer",
    "version": "Version of the card's code",
    "source": "Where the money is from",
    "purchase": "Purchase",
    "address": "Address",
    "verified": "Verified",
}


def as_json(told: Mapping[str, Any]) -> bytes:
    """Return the copy as JSON."""
    return msgspec.json.format(msgspec.json.encode(told))


def as_html(told: Mapping[str, Any]) -> str:
    """Return the copy as a page."""
    return ENV.get_template("copy.html").render(
        **told, labels=LABELS, kinds=KINDS, sum_of=_sum, day=_day
    )


def as_pdf(told: Mapping[str, Any]) -> bytes:
    """Return the copy as PDF, set in our own fonts."""
    import weasyprint

    draw: Any = weasyprint.HTML
    made: bytes = draw(string=as_html(told), base_url=f"{look.FOLDER}/").write_pdf()
    return made


FORMS: Final[dict[str, tuple[str, Callable[[Mapping[str, Any]], bytes]]]] = {
    "json": ("application/json", as_json),
    "pdf": ("application/pdf", as_pdf),
}
"""Each form by its ending: what it is, and how it is made."""


def _sum(minor: int, currency: str) -> str:
    return str(Amount(minor, asset(currency)))


def _day(moment: dt.datetime) -> str:
    return f"{moment:%d %B %Y, %H:%M} UTC"
