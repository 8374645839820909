"""What the pages of the reserve call things: states, acts, alarms, origins, and how each looks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Said:
    """A pill: its look, its word, and what the movement waits for."""

    look: str
    word: str
    waits: str = ""


STATES: Final = {
    "refused": Said("stop", "Refused by law"),
    "referred": Said("care", "Law does not say", "A person must find out"),
    "proposed": Said("wait", "Proposed", "Officials and the public notice"),
    "approved": Said("wait", "Approved", "Key holders"),
    "signed": Said("wait", "Signed", "The network"),
    "sent": Said("wait", "Sent", "A block"),
    "settled": Said("good", "Done"),
    "cancelling": Said("care", "Being stopped", "A block"),
    "cancelled": Said("off", "Stopped"),
    "vetoed": Said("off", "Vetoed"),
    "expired": Said("off", "Expired"),
    "withdrawn": Said("off", "Withdrawn"),
}
ACTS: Final = {
    "sale": "Sale",
    "swap": "Swap",
    "auction": "Auction",
    "encumber": "Pledge or loan",
    "release": "Release to a claimant",
    "transfer": "Transfer to a public body",
    "refresh": "Refresh, same owner and lots",
    "rotate": "Rotation to new keys",
}
ORIGINS: Final = {
    "forfeiture": "Court forfeiture",
    "purchase": "Purchase",
    "mining": "Mining",
    "gift": "Gift",
    "transfer": "From a public body",
}
ALARMS: Final = {
    "unexpected_spend": ("stop", "Coins were spent that nobody approved"),
    "frozen": ("stop", "The reserve is frozen"),
    "recovery_open": ("stop", "Recovery keys can spend a coin now"),
    "coin_not_on_chain": ("stop", "A coin is not on the chain"),
    "deposit_to_retired": ("care", "Coins came to a retired vault"),
    "refresh_due": ("care", "A coin must be refreshed"),
    "key_silent": ("care", "A key has not signed for long"),
    "proof_overdue": ("care", "A proof of reserve is overdue"),
    "vault_unwatched": ("stop", "A vault cannot be watched"),
}
KINDS: Final = {
    "established": "The mandate was established",
    "vault_assigned": "The vault was put in its ledger",
    "arrived": "The coin came in",
    "origin_registered": "Its origin was registered",
    "origin_refused": "The law refused its origin",
    "accepted": "The lot was accepted",
    "proposed": "Proposed",
    "refused": "Refused by law",
    "referred": "The law does not say",
    "answered": "An official answered",
    "approved": "Approved: quorum and notice are complete",
    "part_signed": "A key holder signed",
    "part_refused": "A signed part was refused",
    "signed": "All signatures are there; stored",
    "signed_again": "Signed again at a higher fee",
    "fee_raised": "A higher fee was planned",
    "sent": "Sent to the network",
    "settled": "In a block, and in the books",
    "cancelling": "A veto: the cancel is sent",
    "cancelled": "Stopped; the coins are back",
    "vetoed": "Vetoed",
    "expired": "Its time was over",
    "withdrawn": "Withdrawn by who proposed it",
    "frozen": "Frozen",
    "freeze_reason": "Why it was frozen, sealed",
    "thawed": "Thawed",
    "alarm": "An alarm",
    "alarm_ended": "An alarm ended",
    "key_alive": "The key signed",
    "proved": "A proof of reserve was published",
    "codes_set": "Codes were set",
}
ROLES: Final = {
    "reserve.proposer": "Proposer",
    "reserve.treasurer": "Treasurer",
    "reserve.auditor": "Auditor",
    "reserve.board": "Board",
    "reserve.keyholder": "Key holder",
}
