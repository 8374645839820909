"""Draws one `View` as one page: the same words for eyes, for a screen reader and for the voice.

Nothing is computed here that a ledger holds: sums come from the view, and the examples before any
cash goes in come from `kiosk.model.sums`, the server's own rule (Decision 4). A page is complete
HTML and works without script (Decision 7).
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from tallystick.core.money import Amount, Price, asset
from tallystick.edge.screen import half, papers, sayings, who
from tallystick.edge.screen.reach import reach
from tallystick.edge.screen.speech import text_of
from tallystick.edge.screen.words import TONGUES, Tongue, Words, drawing, figure
from tallystick.edge.view import Screen, View, place
from tallystick.kiosk.model import Sums, Terms, sums
from tallystick.look import art

CUTS_MAX: Final = 8
CUTS_AFTER_MANY: Final = 5
GROUP_CHARS: Final = 4
END_CHARS: Final = 8
"""Shown at each end: the first four are the same for everybody, so six would compare two."""
EXAMPLE_UNITS: Final = (20, 100, 500)
"""Examples of the fee, in whole units; the small one is where the least fee bites."""
REFRESH_S: Final = {
    Screen.CASH: 2,
    Screen.SENDING: 3,
    Screen.RECEIPT: 5,
    Screen.START: 15,
    Screen.CLOSED: 10,
    Screen.ADDRESS: 20,
    Screen.REVIEW: 20,
    Screen.SCAN: 30,
    Screen.SLIP: 30,
    Screen.STANDING: 5,
}
"""Without script the page asks again by itself. On SCAN it waits: somebody may be typing."""
NOTHING_TO_STOP: Final = frozenset(
    {
        Screen.START,
        Screen.CLOSED,
        Screen.SENDING,
        Screen.RECEIPT,
        Screen.STOPPED,
        Screen.SAFE,
        Screen.STANDING,
    }
)
"""Without a Stop: nothing has begun, or what was begun has ended and "Finish" leaves."""
WARN: Final = frozenset({Screen.WARNING, Screen.SCAM, Screen.CARE})
STEP: Final = {
    Screen.COST: 0,
    Screen.WARNING: 1,
    Screen.SCAN: 2,
    Screen.ADDRESS: 2,
    Screen.PHONE: 2,
    Screen.CODE: 2,
    Screen.DOCUMENT: 2,
    Screen.COPY: 2,
    Screen.MAIL: 2,
    Screen.PHOTO: 2,
    Screen.SOURCE: 2,
    Screen.CARE: 2,
    Screen.QUESTION: 2,
    Screen.WAITING: 2,
    Screen.CASH: 3,
    Screen.REVIEW: 4,
    Screen.SENDING: 4,
    Screen.RECEIPT: 4,
}
WIDTHS: Final = (100, 50, 20, 10, 5, 1)
WIDTH_HIDDEN: Final = 10
"""Of every cut while sums are hidden: the width would tell the bill."""
KEYS: Final = sayings._(
    "You can use the number keys. Each choice has its number. 0 asks for help, the star key stops, "
    "and the hash key reads the screen aloud."
)
LOUDNESS: Final = sayings._("Plus makes the voice louder, and minus makes it quieter.")
NOT_ALOUD: Final = sayings._(
    "This page is not read out here, because others could hear it. Put in headphones to hear it. "
    "0 asks for help, and the star key stops."
)
"""For who cannot see the screen: said on START and HELP; `static/live.js` holds the keys."""
NOTE_ICONS: Final = {"good": "check", "wait": "clock", "care": "care", "stop": "stop"}

ENV: Final = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def draw(view: View, zone: dt.tzinfo | None = None, can_speak: bool = False) -> str:
    """Return the whole page for this view; ``zone`` is the machine's own when None."""
    words = Words(view.language, view.currency, zone, view.hide_sums)
    context = {**_frame(view, words, can_speak), **_figures(words), **_screen(view, words)}
    return ENV.get_template(f"{view.screen.value}.html").render(context)


def aloud(view: View, page: str, part: str = "") -> str:
    """Return what the voice says of a drawn page; a question is heard in headphones alone."""
    if view.screen is Screen.QUESTION and not (view.private or view.still_there):
        words = Words(view.language, view.currency)
        page = f"<main><p>{words.say(NOT_ALOUD)}</p></main>"
    return text_of(page, view.private, part)


def draw_trouble(view: View, detail: str) -> str:
    """Return the calm page for a request that made no sense; ``detail`` says which."""
    words = Words(view.language, view.currency)
    frame = _frame(view, words, can_speak=False)
    frame |= {
        "screen": "trouble",
        "place": "trouble",
        "step": 0,
        "body": "",
        "refresh_s": 0,
        "detail": detail,
    }
    frame["title"] = words.look_up("We could not do that")
    return ENV.get_template("trouble.html").render({**frame, **_figures(words)})


def seen(view: View) -> str:
    """Name what the reader saw: a careful act counts only if it still is what the screen says."""
    quote = view.quote.digest if view.quote else ""
    warning = view.warning.id if view.warning else ""
    sums_seen = (view.cash_minor, view.fee_minor, view.worth_minor, view.sats, view.price_changed)
    asked = view.question.id if view.question else ""
    paper = view.slip.reference if view.slip else ""
    shown = (view.address, quote, view.reference, view.pictured, paper)
    parts = (view.screen.value, warning, asked, *shown, *sums_seen)
    digest = hashlib.sha256(repr(parts).encode()).hexdigest()[:16]
    return f"{view.screen.value}.{digest}"


def _figures(words: Words) -> dict[str, Any]:
    return {
        "_": words.say,
        "n_": words.count,
        "money": words.money,
        "short": words.short,
        "sum": words.sum,
        "coin": words.coin,
        "percent": words.percent,
        "at": words.at,
        "figure": figure,
    }


def _frame(view: View, words: Words, can_speak: bool) -> dict[str, Any]:
    steps, step = _steps(view, words)
    titles = _titles(words)
    return {
        "view": view,
        "offer": view.offer,
        "reach": reach(view.offer.operator if view.offer else None, words),
        "screen": view.screen.value,
        "place": place(view),
        "title": titles[view.screen],
        "tongue": words.tongue,
        "steps": steps,
        "step": step,
        "body": "warn" if view.screen in WARN else view.screen.value,
        "can_stop": _can_stop(view),
        "refresh_s": REFRESH_S.get(view.screen, 0),
        "seen": seen(view),
        "can_speak": can_speak,
        "sprite": drawing(art.SPRITE),
        "mark": drawing(art.mark()),
        "icon": lambda name, extra="": drawing(art.icon(name, extra)),
        "note_icon": NOTE_ICONS,
        "notices": _notices(view, words),
        "closing": _closing(view, words) if view.still_there else "",
    }


def _waits(view: View) -> bool:
    """Say whether a purchase waits for the operator's check, so that it can still be stopped."""
    return view.purchase is not None and view.purchase.waiting


def _can_stop(view: View) -> bool:
    """Say whether there is something to stop: what was sent off is stopped only while it waits."""
    if view.screen is Screen.SENDING or view.purchase is not None:
        return view.screen not in (Screen.STOPPED, Screen.SAFE, Screen.RECEIPT) and _waits(view)
    return view.screen not in NOTHING_TO_STOP


def _titles(words: Words) -> dict[Screen, str]:
    say = words.look_up
    return {
        Screen.START: say("Buy bitcoin with cash"),
        Screen.LANGUAGE: say("Choose your language"),
        Screen.HELP: say("How can we help?"),
        Screen.SCAM: say("Stop. This could be a scam."),
        Screen.COST: say("What it costs"),
        Screen.WARNING: say("Stop. This could be a scam."),
        Screen.SCAN: say("Show us your wallet’s code"),
        Screen.ADDRESS: say("Is this your wallet?"),
        Screen.PHONE: say("What is your phone number?"),
        Screen.CODE: say("Type the code we sent you"),
        Screen.DOCUMENT: say("Show your driver’s licence"),
        Screen.COPY: say("A picture of your card"),
        Screen.MAIL: say("What is your email address?"),
        Screen.PHOTO: say("A picture of you"),
        Screen.SOURCE: say("Where is this money from?"),
        Screen.CARE: say("Stop. This could be a scam."),
        Screen.QUESTION: say("A question before we go on"),
        Screen.WAITING: say("We are holding your bitcoin"),
        Screen.SLIP: say("Show us your paper"),
        Screen.STANDING: say("Where your money is"),
        Screen.CASH: say("Put in your bills, one at a time"),
        Screen.REVIEW: say("Check, then send"),
        Screen.SENDING: say("Your bitcoin is on its way"),
        Screen.RECEIPT: say("Take your receipt"),
        Screen.STOPPED: say("We stopped"),
        Screen.SAFE: say("Your money is safe"),
        Screen.CLOSED: say("This machine is closed for now"),
    }


def _steps(view: View, words: Words) -> tuple[list[str], int]:
    """Return the names of the steps of a visit and the one we are at, from 1; 0 outside."""
    say = words.look_up
    titles = [
        say("What it costs"),
        say("Your safety"),
        say("Your wallet"),
        say("Your cash"),
        say("Check and send"),
    ]
    warned = view.offer is not None and bool(view.offer.warnings)
    shown = [place for place in range(len(titles)) if place != 1 or warned or view.warning]
    at = STEP.get(view.screen)
    step = shown.index(at) + 1 if at in shown else 0
    return [titles[place] for place in shown], step


def _notices(view: View, words: Words) -> list[dict[str, Any]]:
    """Return the small messages, gravest first."""
    say, found = words.say, []

    def add(kind: str, text: Markup, icon: str = "") -> None:
        found.append({"kind": kind, "text": text, "icon": icon})

    if view.stuck_minor:
        add("stop", say(sayings.STUCK))
    if view.server_lost and view.cash_minor:
        add("wait", say(sayings.LOST_WITH_CASH, amount=words.sum(view.cash_minor)))
    elif view.server_lost:
        add("wait", say(sayings.LOST))
    if view.price_changed:
        new = {"amount": words.sum(view.cash_minor), "coin": words.coin(view.sats)}
        add("wait", say(sayings.NEW_PRICE, **new))
    if view.say and not (view.price_changed and view.say.key == "kiosk.price_changed"):
        add(view.say.kind, sayings.sentence(view.say, view, words))
    if view.refused and view.screen is Screen.CASH:
        add("care", say(sayings.NEAR_LIMIT, left=words.short(view.left_minor)))
    return found


def _closing(view: View, words: Words) -> Markup:
    if view.closes_at is None:
        return Markup("")
    at = words.at(view.closes_at)
    if not view.cash_minor:
        return words.say(sayings.CLOSES, time=at)
    return words.say(sayings.CLOSES_WITH_CASH, time=at, amount=words.sum(view.cash_minor))


def _screen(view: View, words: Words) -> dict[str, Any]:
    """Return what only this screen needs."""
    more = SCREENS.get(view.screen)
    return more(view, words) if more else {}


def _examples(view: View) -> list[dict[str, int]]:
    """Return fee examples by the server's own rule, within what may be put in."""
    offer = view.offer
    if offer is None or not offer.price_minor:
        return []
    money = asset(offer.currency)
    terms = Terms(
        Price(Amount(offer.price_minor, money)), offer.fee_bp, Amount(offer.fee_min_minor, money)
    )
    rows = []
    for units in EXAMPLE_UNITS:
        cash = Amount(units * 10**money.exponent, money)
        if not offer.day_max_minor or cash.minor <= offer.day_max_minor:
            rows.append(_row(sums(cash, terms)))
    return rows


def _row(found: Sums) -> dict[str, int]:
    return {"cash": found.cash.minor, "fee": found.fee.minor, "worth": found.worth.minor}


def _others(words: Words, text: str, skip: Tongue) -> list[dict[str, str]]:
    found = []
    for tongue in TONGUES.values():
        if tongue != skip:
            said = Words(tongue.code, "USD").look_up(text)
            found.append({"code": tongue.code, "dir": tongue.dir, "text": said})
    return found


def _start(view: View, words: Words) -> dict[str, Any]:
    examples = _examples(view)
    return {
        "hero": drawing(art.hero(words.tongue.rtl)),
        "example": examples[min(1, len(examples) - 1)] if examples else None,
        "offer": view.offer if examples else None,
        "others": _others(words, "Touch to start", words.tongue),
        "keys": words.say(KEYS),
        "loudness": words.say(LOUDNESS),
    }


def _language(view: View, words: Words) -> dict[str, Any]:
    others = _others(words, "Choose your language", words.tongue)
    return {"tongues": list(TONGUES.values()), "others": others}


def _help(view: View, words: Words) -> dict[str, Any]:
    say = words.look_up
    themes = [("light", say("Light")), ("dark", say("Dark")), ("glare", say("For bright sun"))]
    return {"themes": themes, "keys": words.say(KEYS), "loudness": words.say(LOUDNESS)}


def _nevers(view: View, words: Words) -> dict[str, Any]:
    return {
        "nevers": [
            words.say("The police, a court or a tax office never ask for bitcoin."),
            words.say("A bank never asks you to move money to keep it safe."),
            words.say("No real job, prize or refund needs you to pay first."),
        ]
    }


def _cost(view: View, words: Words) -> dict[str, Any]:
    return {"examples": _examples(view)}


def _scan(view: View, words: Words) -> dict[str, Any]:
    return {"scanner": drawing(art.scanner())}


def groups(text: str) -> list[str]:
    """Return text in fours, as people compare it."""
    return [text[i : i + GROUP_CHARS] for i in range(0, len(text), GROUP_CHARS)]


def _address(view: View, words: Words) -> dict[str, Any]:
    text, middle = view.address, max(len(view.address) - 2 * END_CHARS, 0)
    hidden = middle > 0 and not (view.show_address and view.screen is Screen.ADDRESS)
    head = groups(text[:END_CHARS] if hidden else text)
    tail = groups(text[-END_CHARS:]) if hidden else []
    said = words.count("{n} letter hidden", "{n} letters hidden", middle)
    return {"address": {"head": head, "tail": tail, "hidden": hidden, "middle": said}}


def _fee_label(view: View, words: Words) -> Markup:
    terms = view.quote or view.offer
    if terms is None:
        return words.say("Our fee")
    share = Amount(view.cash_minor, asset(view.currency)).share(terms.fee_bp, half.DOWN).minor
    if view.cash_minor and view.fee_minor > share:
        return words.say("Our fee, the least we take")
    return words.say("Our fee, {percent}", percent=words.percent(terms.fee_bp))


def _wait(view: View, words: Words) -> Markup | str:
    """Return why the main button waits, or nothing: a dead button says why beside it."""
    terms = view.quote or view.offer
    least = terms.purchase_min_minor if terms else 0
    if view.busy:
        return words.say("We are counting your bill. Please wait a moment.")
    if view.screen is Screen.CASH and not view.cash_minor:
        return words.say("Put in a bill first, or touch Stop.")
    if view.cash_minor < least:
        return words.say(sayings.NEED_MORE, least=words.short(least))
    return ""


def _cut(view: View, words: Words) -> dict[str, Any]:
    """Return the bills as cuts: all of a few, else the sum of the early ones and the last five."""
    many = len(view.notes) > CUTS_MAX
    last = view.notes[-CUTS_AFTER_MANY:] if many else view.notes
    early = view.notes[: len(view.notes) - len(last)]
    rest: Markup | str = ""
    if early:
        amount = words.sum(sum(note.minor for note in early))
        rest = words.count("{n} more, {amount}", "{n} more, {amount}", len(early), amount=amount)
    bills = [
        {
            "width": WIDTH_HIDDEN if words.hidden else _width(note.minor, view.currency),
            "new": note.new,
            "text": words.dots() if words.hidden else words.short(note.minor),
        }
        for note in last
    ]
    return {"rest": rest, "bills": bills}


def _width(minor: int, currency: str) -> int:
    """Return how wide a bill's cut is: the widest kind that is not worth more."""
    unit = 10 ** asset(currency).exponent
    return next((width for width in WIDTHS if minor >= width * unit), WIDTHS[-1])


def _cash(view: View, words: Words) -> dict[str, Any]:
    terms = view.quote or view.offer
    chips = [
        {"minor": minor, "off": minor in view.refused}
        for minor in (terms.denominations if terms else ())
    ]
    return {
        "cut": _cut(view, words),
        "chips": chips,
        "fee_label": _fee_label(view, words),
        "wait": _wait(view, words),
    }


def _review(view: View, words: Words) -> dict[str, Any]:
    price = view.quote.price_minor if view.quote else 0
    found = _address(view, words)
    return {
        "fee_label": _fee_label(view, words),
        "wait": _wait(view, words),
        "price_minor": price,
        "address": found["address"] if view.address else None,
    }


def _sending(view: View, words: Words) -> dict[str, Any]:
    held = view.purchase.held_until if view.purchase else None
    phone = view.offer.operator.phone if view.offer else ""
    return {
        "path": half.path(view, words),
        "held": words.day(held) if held else "",
        "phone": phone,
        "waits": _waits(view),
    }


def _counted(view: View, words: Words) -> Markup:
    number = len(view.notes) or (view.purchase.notes if view.purchase else 0)
    amount = words.sum(view.cash_minor)
    return words.count("{n} bill, {amount}", "{n} bills, {amount}", number, amount=amount)


def _ended(view: View, words: Words) -> dict[str, Any]:
    return {"hero": drawing(art.hero(words.tongue.rtl)), "counted": _counted(view, words)}


SCREENS: Final[dict[Screen, Callable[[View, Words], dict[str, Any]]]] = {
    Screen.START: _start,
    Screen.LANGUAGE: _language,
    Screen.HELP: _help,
    Screen.SCAM: _nevers,
    Screen.COST: _cost,
    Screen.WARNING: _nevers,
    Screen.SCAN: _scan,
    Screen.ADDRESS: _address,
    Screen.WAITING: _ended,
    Screen.CASH: _cash,
    Screen.REVIEW: _review,
    Screen.SENDING: _sending,
    Screen.RECEIPT: half.on_screen,
    Screen.STOPPED: _ended,
    Screen.SAFE: _ended,
    Screen.CLOSED: _ended,
    **who.SCREENS,
    **papers.SCREENS,
}


def languages() -> Sequence[str]:
    """Return the codes of the languages on offer."""
    return tuple(TONGUES)
