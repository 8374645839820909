"""Errors of the scam desk: policies, questions, lists, trials and victims' claims."""

from __future__ import annotations

from tallystick.kiosk.errors import KioskError


class ScamError(KioskError):
    """A step of the scam desk that cannot be taken."""

    code, money, say = 7300, "as it was before this step", "kiosk.call_us"


class PolicyRefused(ScamError):
    """The scam policy breaks a rule that no operator may set aside; the machine stays closed."""

    code, money, say, status = 7301, "not taken", "kiosk.closed", 500


class WordsRefused(ScamError):
    """A language's warnings or questions are missing, too long or too few."""

    code, money, say, status = 7302, "not taken", "kiosk.closed", 500


class InterventionUnknown(ScamError):
    """No such intervention."""

    code, status = 7310, 404


class InterventionOver(ScamError):
    """This intervention has ended; its record does not change any more."""

    code = 7311


class CallRefused(ScamError):
    """A call back that cannot be recorded as it is told."""

    code, money, say, status = 7312, "owed to the customer, not sent", "", 422


class CallNeeded(ScamError):
    """The policy wants the customer called back first, and no call has said that it may go."""

    code, money, say = 7313, "owed to the customer, not sent", ""


class ListRefused(ScamError):
    """A list of blocked addresses does not say what it must; nothing of it was taken."""

    code, money, say, status = 7320, "not touched", "", 422


class AppealRefused(ScamError):
    """This entry of the list is not open to this appeal, or not by this person."""

    code, money, say = 7321, "not touched", ""


class TrialRefused(ScamError):
    """A trial that would put somebody below the floor, or was not registered as it must be."""

    code, money, say, status = 7330, "not touched", "", 422


class ClaimUnknown(ScamError):
    """No such claim."""

    code, money, say, status = 7340, "as the ledger says", "", 404


class ClaimStep(ScamError):
    """The claim is not in a state that allows this."""

    code, money, say = 7341, "as the ledger says", ""


class ClaimIncomplete(ScamError):
    """The form lacks a field that the law asks for."""

    code, money, say, status = 7342, "as the ledger says", "", 422


class GroundRefused(ScamError):
    """No claim may be denied on this ground."""

    code, money, say, status = 7343, "as the ledger says", "", 422


class SamePerson(ScamError):
    """Who decides does not also pay or hear the appeal."""

    code, money, say, status = 7344, "as the ledger says", "", 403


class RefundTooLarge(ScamError):
    """More than the customer put in, or than is left of it to give back."""

    code, money, say, status = 7345, "as the ledger says", "", 422
