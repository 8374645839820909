"""What every page of ours is drawn with: the shared look as files, templates, and our figures.

Templates escape by themselves and refuse a name that nobody gave them, so that a page with a hole
is a failing test and not a blank on somebody's screen (Decision 7).
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any, Final

import jinja2
import segno
from markupsafe import Markup
from starlette.responses import Response
from starlette.staticfiles import StaticFiles

from tallystick import look
from tallystick.look import art
from tallystick.web.figures import FIGURES
from tallystick.web.words import gettext

SYSTEM_SHEET: Final = "system.css"
DARK_THEME: Final = '\n[data-theme="dark"] {'
QR_MODULE_PX: Final = 4
QR_QUIET_MODULES: Final = 4


def system_dark() -> str:
    """Return the style sheet by which a page without a theme of its own is dark where the reader's
    system is: the tokens' own dark theme, so that no colour is written twice."""
    tokens = (look.FOLDER / "tokens.css").read_text("utf-8")
    dark = tokens.partition(DARK_THEME)[2].partition("}")[0]
    return f"@media (prefers-color-scheme: dark) {{ :root:not([data-theme]) {{{dark}}} }}\n"


class Looks(StaticFiles):
    """The shared look, without the Python beside it."""

    def __init__(self) -> None:
        super().__init__(directory=look.FOLDER)

    async def get_response(self, path: str, scope: Any) -> Response:
        """Give a file of the look, or the sheet that follows the reader's system."""
        if path == SYSTEM_SHEET:
            return Response(system_dark(), media_type="text/css")
        return await super().get_response(path, scope)

    def lookup_path(self, path: str) -> tuple[str, Any]:
        """Find a file, or nothing for a kind that no page asks for."""
        if Path(path).suffix not in look.SERVED:
            return "", None
        return super().lookup_path(path)


def icon(name: str) -> Markup:
    """Return one icon, for a template."""
    return Markup(art.icon(name))  # noqa: S704 - drawn by us


def proof(ours: str, theirs: str, label: str) -> Markup:
    """Return two halves of a stick, each cut from its own digits, for a template."""
    return Markup(art.proof(theirs, ours, label))  # noqa: S704 - drawn by us; the label is escaped


def qr(text: str, label: str) -> Markup:
    """Draw a QR code, black on white, with its quiet zone and a name."""
    out = io.BytesIO()
    segno.make(text, error="m", micro=False).save(
        out,
        kind="svg",
        scale=QR_MODULE_PX,
        border=QR_QUIET_MODULES,
        xmldecl=False,
        svgns=False,
        light="#fff",
        omitsize=True,
    )
    drawn = Markup(out.getvalue().decode())  # noqa: S704 - drawn by segno from modules
    return drawn.replace(
        Markup("<svg "), Markup('<svg role="img" aria-label="{}" ').format(label), 1
    )


def templates(folder: Path) -> jinja2.Environment:
    """Return a face's templates, with what all of them may use."""
    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(folder),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals.update(
        FIGURES,
        _=gettext,
        icon=icon,
        proof=proof,
        logo=Markup(art.mark()),  # noqa: S704 - drawn by us
        sprite=Markup(art.SPRITE),  # noqa: S704 - a file of ours
    )
    return made
