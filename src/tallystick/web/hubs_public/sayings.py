"""What the person's pages say about states, steps and gates: sentences that are looked up.

They speak to the person, plainly, about what happened and what can be done; never about what the
person is. Keys are the code's own names; a test says that each has a sentence in each language.
"""

from __future__ import annotations

from typing import Final

STATES: Final = {
    "refused": "Your claim was refused. You may still be able to appeal.",
    "appeal": "Your appeal is with the tribunal. You cannot be sent away while it is.",
    "submissions": "Your new submissions are being considered. You cannot be sent away meanwhile.",
    "review": "Nothing of yours is pending. Officials are checking what the law says.",
    "eligible": "Two officials agreed that you could be sent to a hub. You have not been sent.",
    "placed": "A place is kept for you in a hub. You have not been sent.",
    "notice": "You were given notice. Its time must run out before anything can happen.",
    "ready": "Everything was checked on the eve. It is all checked again at the door.",
    "transferred": "You are on the way to a hub.",
    "stay": "You are in a hub.",
    "brought_back": "You were brought back.",
    "out_of_contact": "We could not reach you. Please get in touch, or have your lawyer do so.",
    "released": "You were released.",
    "returned": "You went on to another country.",
    "departed": "You left by your own choice.",
    "granted": "You were granted leave to stay.",
    "died": "This record is closed.",
}
STEPS: Final = {
    "opened": "Your record was opened.",
    "fact": "Something was written down, with its evidence.",
    "settled": "Your case was moved by what is pending.",
    "stopped": "Your transfer was stopped, because the law did not allow it.",
    "refused": "A step was refused, because the law did not allow it.",
    "proposed": "Your transfer was put to two officials.",
    "approved": "An official agreed.",
    "vetoed": "An official stopped it.",
    "eligible": "Two officials agreed, and every check passed.",
    "placed": "A place was kept for you.",
    "notice": "Notice was given to you.",
    "ready": "Every check passed on the eve.",
    "transferred": "Every check passed at the door, and you were sent.",
    "order": "An order was given against the law. It was not followed, and the monitor was told.",
    "assigned": "Your case was given to somebody else.",
    "paper": "A travel document was asked for, or a step of it was taken.",
    "family_parted": (
        "One of your family was sent and another was not. "
        "Officials must answer how you will be together again."
    ),
    "family_together": "The question about your family ended.",
    "family_late": "The day to answer about your family passed. The monitor was told.",
    "died": "This record was closed.",
    "appeal_lodged": "Your appeal was lodged.",
    "appeal_remitted": "Your appeal was sent back to the tribunal.",
    "appeal_ended": "Your appeal ended without being allowed.",
    "submissions_made": "Your new submissions were received.",
    "submissions_refused": "Your new submissions were considered and refused.",
    "fresh_claim": "Your submissions are a fresh claim, with a right to appeal.",
    "injunction": "A court stopped your removal.",
    "injunction_lifted": "The court lifted its order.",
    "review_asked": "A court was asked to review what was decided.",
    "review_ended": "The court's review ended without success.",
    "rule39": "The European Court of Human Rights asked to wait.",
    "rule39_lifted": "The European Court of Human Rights no longer asks to wait.",
    "remedy_asked": "A court was asked to suspend your transfer.",
    "remedy_refused": "The court did not suspend your transfer.",
    "trafficking_referral": "You were referred as a possible victim of trafficking.",
    "grounds_positive": (
        "There are grounds to think that you are a victim of trafficking. "
        "Your time to recover begins."
    ),
    "grounds_negative": (
        "It was decided that there are no grounds to think that you are a victim of trafficking."
    ),
    "family_claim": "Your claim on family or private life was received.",
    "family_claim_refused": "Your claim on family or private life was refused.",
    "illness": "It was written down that you are ill.",
    "health_claim": "Your claim on health was received.",
    "pregnancy": "It was written down that you are pregnant.",
    "age_disputed": "Your age was doubted. You count as a child until it is decided.",
    "age_decided": "It was decided that you are an adult.",
    "child_in_family": "It was written down that there is a child in your family.",
    "detained": "You were detained.",
    "released": "You were released.",
    "out_of_contact": "We could not reach you.",
    "back_in_contact": "We are in contact with you again.",
    "departed": "You left by your own choice.",
    "granted": "You were granted leave to stay.",
    "force_used": "Force was used against you. The monitor was told.",
    "complaint": "You complained to an official. The monitor was told.",
    "arrived": "You arrived in the hub.",
    "returned_onward": "You went on to another country.",
    "brought_back": "You were brought back.",
}
OTHER_STEP: Final = "Something that happened was written down."
GATES: Final = {
    "UK-01": "You may still appeal, or your appeal is not finally decided.",
    "UK-02": "Your appeal is pending.",
    "UK-03": "The time to appeal has not run out.",
    "UK-04": "You made new submissions, and they must be considered first.",
    "UK-05": "Your submissions are a fresh claim, with a right to appeal.",
    "UK-06": "Your claim was certified: you must have the certificate, and time to challenge it.",
    "UK-07": "Nobody is sent where there is a real risk of death, torture or degrading treatment.",
    "UK-08": "Nobody is sent where they may be sent on to persecution.",
    "UK-09": "Your family or private life must be looked at first.",
    "UK-10": "Your health must allow it, and a doctor must say that you can travel.",
    "UK-11": "If you may be a victim of trafficking, that must be decided first.",
    "UK-12": "A child alone is not sent. If your age is doubted, you count as a child.",
    "UK-13": "A family with a child is not sent to a hub.",
    "UK-14": "A pregnant woman is not held for long.",
    "UK-15": "What puts you at special risk must be looked at first.",
    "UK-16": "You may be held only if removal is likely within a reasonable time.",
    "UK-17": "You must have notice of where and how, enough time, and a lawyer within reach.",
    "UK-18": "The law must give a power to send you to this country.",
    "UK-19": "A court may still stop it, and your time to ask one has not run out.",
    "UK-20": "The European Court of Human Rights may have asked to wait.",
    "UK-21": "You must understand the decision, and have a lawyer.",
    "UK-22": "It must be known which country is yours.",
    "UK-23": "You must first be offered help to leave by your own choice.",
}
GROUPS: Final = {
    "SC": "The country must be shown to be safe, with evidence that is recent.",
    "UN": "The conditions of the United Nations refugee agency must be met.",
    "CE": "The conditions of the Council of Europe must be met.",
    "AG": "The agreement with the country must hold what it promises.",
    "EU": "The law of the European Union must be kept.",
}
FIGURES: Final = {
    "transferred": "Transferred",
    "brought_back": "Brought back",
    "returned": "Went on to another country",
    "released": "Released",
    "departed": "Left by their own choice",
    "granted": "Granted leave to stay",
    "died": "Died",
    "stopped": "Transfer stopped while it was prepared",
    "force_used": "Force was used against them",
    "complaint": "Complained",
    "order": "Transfer ordered against the gates",
}
"""The rows of published tables."""
TABLES: Final = {"by-host": "By host", "by-sender": "By sending state"}
COLUMNS: Final = {
    "all": "All",
    "none": "No host yet",
    "GB": "United Kingdom",
    "EU": "European Union",
}
"""The columns that are no host: hosts go by the names of their agreements."""
RIGHTS: Final = (
    ("Talk to your lawyer.", "A lawyer can see this record, and can stop a transfer with it."),
    (
        "Tell them something new.",
        "You may make further submissions at any time. They must be considered first.",
    ),
    ("Ask a court.", "A court can review what was decided, and can stop it."),
    ("Say that you are ill, or have been harmed.", "It must be looked at before anything else."),
    ("Leave by your own choice, with help.", "Only if you want to. It must be offered to you."),
)


def gate(name: str) -> str:
    """Return what a gate is about, to the person."""
    return GATES.get(name) or GROUPS.get(name.partition("-")[0], "")


def every() -> list[str]:
    """Return every sentence here that is to be translated."""
    pairs = [text for right in RIGHTS for text in right]
    return [
        *STATES.values(),
        *STEPS.values(),
        OTHER_STEP,
        *GATES.values(),
        *GROUPS.values(),
        *FIGURES.values(),
        *TABLES.values(),
        *COLUMNS.values(),
        *pairs,
    ]
