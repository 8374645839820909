"""What can be wrong with a what-if: its scenario, its data, or what it was asked."""

from __future__ import annotations

from typing import ClassVar

from tallystick.core.errors import TallystickError


class WhatIfError(TallystickError):
    """A question about a scheme could not be answered."""

    code: ClassVar[int] = 9000
    money: ClassVar[str] = "not touched: a simulation holds nobody's money"


class BadScenario(WhatIfError):
    """A scenario has a value that is unknown, missing or outside its limits."""

    code = 9001


class BadFigures(WhatIfError):
    """A file of published figures has no source or mark, or a number that cannot be."""

    code = 9002


class NotCalibrated(WhatIfError):
    """The posterior in the package was made from other figures than those beside it."""

    code = 9003


class AddressTaken(WhatIfError):
    """The page cannot listen where it was told to."""

    code = 9006
