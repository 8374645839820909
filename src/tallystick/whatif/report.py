"""Two pages for somebody who has to vote on it: what a hub would do, and how sure anyone can be.

Set by WeasyPrint from HTML with our own fonts; nothing is asked of the network. The report says
what its answers suppose about arrivals on each picture, which figures nobody verified, and which
command makes it again.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final

import jinja2
from markupsafe import Markup

from tallystick import look
from tallystick.look import art, charts
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
        "fan": charts.alone(pictures.in_hub(found).svg),
        "tornado": charts.alone(pictures.moves_it(found).svg),
        "flow": charts.alone(pictures.flow(found).svg),
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
        logo=Markup(_mark()),  # noqa: S704 - drawn by us
        fonts=Markup(_fonts()),  # noqa: S704 - a file of ours
        **drawn,
    )


def _mark() -> str:
    """Return the logo in the light theme's colours: paper has no style sheet for drawings."""
    drawn = art.mark()
    for name, tone in (("mark-1, var(--ink)", "#14212b"), ("mark-2, var(--stick)", "#ddae66")):
        drawn = drawn.replace(f"var(--{name})", tone)
    return drawn.replace("var(--stick-edge)", "#8a5a1e")


def _fonts() -> str:
    tokens = (look.FOLDER / "tokens.css").read_text("utf-8")
    return "\n".join(re.findall(r"@font-face\s*\{[^}]*\}", tokens))


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
