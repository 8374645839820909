"""The theme of a console, light or dark: kept in the browser's cookie, the same in every console.

It is the browser's and not the person's: nothing of it is written down (Decision 11).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Final

from fastapi import Depends, FastAPI, Form, Request, Response
from fastapi.responses import RedirectResponse

from tallystick.web.door import Door, safe_next

THEME: Final = "theme"
THEMES: Final = ("light", "dark")
YEAR_S: Final = 31_536_000
ONWARD_CHARS_MAX: Final = 1_000


def chosen(door: Door, request: Request) -> str:
    """Return the theme that this browser chose, light if none."""
    theme = request.cookies.get(door.cookie(THEME), "")
    return theme if theme in THEMES else THEMES[0]


def add(app: FastAPI, door: Door, allowed: Callable[..., Any]) -> None:
    """Add the form that chooses. ``allowed``: the dependency which says who may send it."""

    @app.post("/theme", dependencies=[Depends(allowed)])
    def change_theme(
        theme: Annotated[str, Form(pattern=f"^({'|'.join(THEMES)})$")],
        onward: Annotated[str, Form(max_length=ONWARD_CHARS_MAX)] = "/",
    ) -> Response:
        response = RedirectResponse(safe_next(onward), 303)
        response.set_cookie(
            door.cookie(THEME),
            theme,
            max_age=YEAR_S,
            secure=door.secure,
            httponly=True,
            samesite="strict",
        )
        return response
