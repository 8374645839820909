"""The paper: the receipt of a purchase, and the slip for cash that is kept safe or goes back.

A receipt names the operator, licence, place and phone, and all that `half.rows` lists, with the
address, the payment and the numbers for checking in full. A slip says what was counted and how to
get it, and never looks like a receipt.

Right-to-left scripts need shaping that no library we keep can do for a printer, so in Arabic and
Urdu the paper is in English and says that the screen says the same in the reader's tongue.
"""

from __future__ import annotations

import datetime as dt
import enum
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from markupsafe import Markup

from tallystick.edge.screen import half, papers, sayings
from tallystick.edge.screen.reach import reach, run_by
from tallystick.edge.screen.words import Words
from tallystick.edge.view import Screen, View
from tallystick.kiosk import wire
from tallystick.kiosk.digits import digits_of

COLUMNS: Final = 42
ENGLISH_PAPER: Final = "This paper is in English. The screen says the same in your language."


class Look(enum.Enum):
    """How a line of paper looks."""

    PLAIN = "plain"
    TITLE = "title"
    STRONG = "strong"
    RULE = "rule"
    CODE = "code"
    QR = "qr"


@dataclass(frozen=True, slots=True)
class Line:
    """One line of paper, already broken to its width; for a QR code, what it holds."""

    text: str
    look: Look = Look.PLAIN


def paper_words(view: View, zone: dt.tzinfo | None = None) -> Words:
    """Return the words of the paper: English where the printer cannot shape the script."""
    words = Words(view.language, view.currency, zone)
    return Words("en", view.currency, zone) if words.tongue.rtl else words


def receipt_lines(view: View, zone: dt.tzinfo | None = None) -> list[Line]:
    """Return the receipt, line by line."""
    words = paper_words(view, zone)
    lines = [*_head(view, words, words.look_up("Receipt"))]
    for row in (*half.rows(view, words), *half.by_law(view, words)):
        lines += _pair(_plain(row.label), row.value, Look.STRONG if row.total else Look.PLAIN)
        lines += _pair("", row.small) if row.small else []
    lines += _digits(half.facts(view).reference, words)
    lines.append(Line("", Look.RULE))
    for label, digits in half.numbers(view, words):
        lines += [Line(label, Look.PLAIN), *_broken(digits, Look.CODE)]
    lines += [Line(half.qr_text(view), Look.QR)]
    held = view.purchase.held_until if view.purchase else None
    if held:
        said = words.look_up("The law here makes us wait until {when}. Then we send it.")
        lines += _broken(said.format(when=words.plain_day(held)), Look.STRONG)
    lines += _broken(words.look_up("This is your half. Keep it for 90 days."))
    for right in view.offer.rights if view.offer else ():
        lines += _broken(right)
    return lines + list(_foot(view, words))


def slip_lines(view: View, zone: dt.tzinfo | None = None) -> list[Line]:
    """Return the slip, line by line: what was counted, where it is, and whom to call."""
    words = paper_words(view, zone)
    it, say = half.facts(view), words.look_up
    back = view.screen is Screen.STOPPED
    title = say("You get your {amount} back") if back else say("Your {amount} is safe")
    lines = [*_head(view, words, say("Slip for your cash"))]
    lines += _broken(title.format(amount=words.plain_money(it.cash)), Look.STRONG)
    lines += _pair(say("Your number"), it.reference)
    lines += _digits(it.reference, words)
    lines += _pair(say("When"), words.plain_day(it.at)) if it.at else []
    lines += _pair(say("We counted"), words.plain_money(it.cash))
    if view.stuck_minor:
        lines += _broken(say(sayings.STUCK))
    lines += _broken(say("We sent no bitcoin for this slip. This is not a receipt."))
    lines.append(Line(f"TALLYSTICK:{it.reference}", Look.QR))
    return lines + list(_foot(view, words))


def standing_lines(view: View, zone: dt.tzinfo | None = None) -> list[Line]:
    """Return the paper of a purchase that was brought back: where it stands, a claim's days."""
    words, slip = paper_words(view, zone), view.slip or wire.Slip()
    it = papers.standing(slip)
    phone = view.offer.operator.phone if view.offer else ""
    values = {"amount": words.plain_money(slip.cash_minor), "phone": phone}
    lines = [*_head(view, words, words.look_up("Where your money is"))]
    lines += _broken(words.look_up(it.title).format(**values), Look.STRONG)
    for text in it.says:
        lines += _broken(words.look_up(text).format(**values))
    lines.append(Line("", Look.RULE))
    for row in papers.rows(slip, words):
        text = _plain(row.value)
        fits, look = len(text) < COLUMNS, Look.STRONG if row.code else Look.PLAIN
        lines += _pair(row.label, text, look) if fits else _broken(f"{row.label}: {text}", look)
    lines += _digits(slip.reference, words)
    lines += _broken(slip.claim.cite) if slip.claim else []
    lines.append(Line(f"TALLYSTICK:{slip.reference}", Look.QR))
    return lines + list(_foot(view, words))


def _digits(reference: str, words: Words) -> list[Line]:
    """Return the number as digits, for who has twelve keys."""
    digits = digits_of(reference)
    return _pair(words.look_up("In digits"), half.fours(digits)) if digits else []


def _head(view: View, words: Words, title: str) -> Iterator[Line]:
    yield Line(title, Look.TITLE)
    if view.offer:
        who = view.offer.operator
        yield from _broken(_plain(run_by(who, words)), Look.STRONG)
        yield from _broken(f"{who.label}, {who.place}")
        if who.address:
            yield from _broken(words.look_up("Our address: {address}.").format(address=who.address))
    if view.demo:
        yield from _broken(words.look_up("Demonstration. No real money."))
    yield Line("", Look.RULE)


def _foot(view: View, words: Words) -> Iterator[Line]:
    if view.offer:
        yield from _calls(view.offer.operator, words)
    if words.tongue.code != view.language:
        yield from _broken(ENGLISH_PAPER)


def _calls(operator: wire.Operator, words: Words) -> Iterator[Line]:
    """Say whom to call, and only the hours that the operator states."""
    how = reach(operator, words)
    ask = "Questions or a problem? Call {phone}."
    if how.always:
        ask = "Questions or a problem? Call {phone}, day and night."
    yield from _broken(words.look_up(ask).format(phone=operator.phone))
    if how.hours:
        said = words.look_up("A person answers: {hours}").format(hours=how.hours)
        yield from _broken(said.replace("\N{NO-BREAK SPACE}", " "))
    if operator.authority:
        where = words.look_up("Complaints about us: {authority}.")
        yield from _broken(where.format(authority=operator.authority))


def _broken(text: str, look: Look = Look.PLAIN) -> list[Line]:
    return [Line(part, look) for part in textwrap.wrap(text, COLUMNS)]


def _plain(value: Any) -> str:
    return value.striptags() if isinstance(value, Markup) else str(value)


def _pair(label: str, value: Any, look: Look = Look.PLAIN) -> list[Line]:
    """Return label and figure on one line, or the figure on its own when both do not fit."""
    text = _plain(value)
    gap = COLUMNS - len(label) - len(text)
    if gap >= 1:
        return [Line(f"{label}{' ' * gap}{text}", look)]
    return [*_broken(label, look), Line(text.rjust(COLUMNS), look)]


def as_text(lines: list[Line]) -> str:
    """Return the paper as plain text, as a preview shows it."""
    return "".join(f"{_drawn(line)}\n" for line in lines)


def _drawn(line: Line) -> str:
    if line.look is Look.RULE:
        return "-" * COLUMNS
    return f"[QR {line.text[:36]}]" if line.look is Look.QR else line.text
