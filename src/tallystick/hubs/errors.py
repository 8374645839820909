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


class ClaimRefused(HubsError):
    """A claim about an agreement or a country has no source, no day, or a value of another kind."""

    code = 8502


class AgreementUnknown(HubsError):
    """There is no such agreement."""

    code = 8503


class AgreementThere(HubsError):
    """There is an agreement of that name already, or its name is not acceptable."""

    code = 8504


class CaseUnknown(HubsError):
    """There is no such case."""

    code = 8510


class CaseStep(HubsError):
    """A case in this state cannot take this step."""

    code = 8511


class CaseIncomplete(HubsError):
    """Something that the step needs was not given, is too long, or is of another kind."""

    code = 8512


class NotYours(HubsError):
    """This role, or this person, may not take this step in this case."""

    code = 8513


class NotIndependent(HubsError):
    """Who decides as the independent official has a part in removals."""

    code = 8514


class PaperStep(HubsError):
    """A travel document in this state cannot take this step."""

    code = 8515


class CaseErased(HubsError):
    """The person's key was destroyed: what was known of the case cannot be read by anybody."""

    code = 8516


class CaseFull(HubsError):
    """The case has as many events as one may."""

    code = 8517
