"""Two pages for somebody who has to vote on it: what a hub would do, and how sure anyone can be.

Set by WeasyPrint from HTML with our own fonts; nothing is asked of the network. The report says
what its answers suppose about arrivals on each picture, which figures nobody verified, and which
command makes it again.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import jinja2
from markupsafe import Markup

from tallystick import look
from tallystick.look import art
from tallystick.whatif import claims, pictures, questions
from tallystick.whatif.answers import NOT_KNOWN, Answers, spread_of
from tallystick.whatif.errors import WhatIfError

TEMPLATE: Final = Path(__file__).parent / "report.html"
PAGES: Final = 2


class NotWritten(WhatIfError):
    """The report could not be written where it was asked for."""

    code = 9007


def html(found: Answers) -> str:
    """Return the report as HTML."""
    env = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATE.parent),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    drawn = {
        "fan": pictures.in_hub(found),
        "tornado": pictures.moves_it(found),
        "flow": pictures.flow(found),
        "claim": pictures.claim(found),
    }
    return env.get_template(TEMPLATE.name).render(
        found=found,
        top=found.headline,
        sentence=claims.SENTENCE,
        not_known=NOT_KNOWN,
        unverified=questions.labels(),
        whole=questions.whole,
        percent=questions.percent,
        spread=spread_of,
        safe=Markup,
        logo=Markup(art.mark()),  # noqa: S704 - drawn by us
        style=Markup(_style()),  # noqa: S704 - files of ours
        **drawn,
    )


def _style() -> str:
    sheets = (look.FOLDER / name for name in ("tokens.css", "console.css"))
    return "\n".join(sheet.read_text("utf-8") for sheet in sheets)


def pdf(found: Answers) -> bytes:
    """Return the report as a PDF."""
    import weasyprint

    sheet: Any = weasyprint.HTML
    document = sheet(string=html(found), base_url=str(look.FOLDER) + "/")
    made: bytes = document.write_pdf()
    return made


def write(path: Path, found: Answers) -> None:
    """Write the report; raise `NotWritten` if the place cannot be written to."""
    made = pdf(found)
    try:
        path.write_bytes(made)
    except OSError as error:
        raise NotWritten(f"{path}: {error.strerror}") from error
