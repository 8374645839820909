"""What can go wrong with gates, agreements and cases; each says where the person stands.

Here "where the money is" answers the same question about a person: what was, and was not, changed.
"""

from __future__ import annotations

from tallystick.core.errors import TallystickError


class HubsError(TallystickError):
    """A step of the hubs programme was refused."""

    code, money, say = 8500, "not involved; the person's case is as it was", ""


class GatesUnreadable(HubsError):
    """A file of gates is missing or does not say what it must: nobody is transferred by it."""

    code = 8501
