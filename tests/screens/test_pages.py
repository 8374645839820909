"""Every page in every language: whole, translated, quiet about what is hidden, and true."""

from __future__ import annotations

import dataclasses
import re
import string
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

import tallystick
from screens.gallery import ADDRESS, BASE, OFFER, PAID, TXID, bought, translated, views
from screens.reading import Page
from tallystick.edge.screen import pages, sayings, words
from tallystick.edge.screen.speech import text_of
from tallystick.edge.screen.words import TONGUES, Words
from tallystick.edge.view import Say, Screen, Touch, View
from tallystick.kiosk import wire
from tallystick.kiosk.support import ALWAYS

SOURCE = Path(tallystick.__file__).parent
OTHERS = [code for code in TONGUES if code != "en"]
KEYWORDS = {
    "_": None,
    "say": None,
    "look_up": None,
    "count": (1, 2),
    "n_": (1, 2),
    "look_up_many": (1, 2),
}
GALLERY = views()
PROPER = {"Receive", "Lightning", "on", "chain", "kraken", "coinbase", "bitstamp"}
"""What other wallets call a button, and the names of exchanges: the same in every tongue."""


def sentences() -> set[str | tuple[str, ...]]:
    """Return every sentence that the pages and the paper hold."""
    methods = [("**.py", "python"), ("templates/**.html", "jinja2.ext:babel_extract")]
    found = extract_from_dir(SOURCE / "edge" / "screen", methods, keywords=KEYWORDS)
    return {message for _, _, message, _, _ in found if message}


def catalogue(code: str) -> Catalog:
    with (words.LOCALE / code / "LC_MESSAGES" / "kiosk.po").open("rb") as source:
        return read_po(source, locale=code)


def forms_of(text: str | tuple[str, ...] | list[str]) -> list[str]:
    return [text] if isinstance(text, str) else list(text)


def holes(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


@pytest.mark.parametrize("code", TONGUES)
def test_every_sentence_has_a_translation_with_the_same_values(code: str) -> None:
    held = catalogue(code)
    for text in sentences():
        message = held.get(text[0] if isinstance(text, tuple) else text)
        assert message is not None, f"{code} lacks {text!r}"
        assert not message.fuzzy, f"{code} is unsure of {text!r}"
        given = forms_of(message.string)
        assert len(given) == (held.num_plurals if isinstance(message.id, tuple | list) else 1)
        wanted = set().union(*(holes(one) for one in forms_of(text)))
        for one in given:
            assert one.strip(), f"{code} has nothing for {text!r}"
            assert holes(one) <= wanted, f"{code} asks for values that {text!r} lacks"
            assert wanted - holes(one) <= {"n"}, f"{code} drops a value of {text!r}"


@pytest.mark.parametrize("code", TONGUES)
def test_no_catalogue_holds_a_sentence_that_no_page_says(code: str) -> None:
    said = {text[0] if isinstance(text, tuple) else text for text in sentences()}
    held = {forms_of(message.id)[0] for message in catalogue(code) if message.id}
    assert held <= said


def drawn(view: View) -> str:
    return pages.draw(view, None, can_speak=True)


@pytest.mark.parametrize("code", TONGUES)
@pytest.mark.parametrize("name", GALLERY)
def test_every_screen_draws_whole(name: str, code: str) -> None:
    view = translated(GALLERY[name], code)
    page = Page(drawn(view))
    assert page.words
    assert len(page.ids) == len(set(page.ids)), "an id twice: focus would jump"
    for form in page.forms:
        assert form.method == "get" or form.action == "/touch"
        if form.action == "/touch":
            assert form.fields["seen"] == pages.seen(view)
        for button in form.buttons:
            if button.get("name") == "touch" and not button.get("aria-disabled"):
                assert Touch(button["value"])


@pytest.mark.parametrize("code", OTHERS)
def test_no_english_is_left_in_another_language(code: str) -> None:
    held = catalogue(code)
    english = {one for text in sentences() for one in forms_of(text)}
    same = {one for one in english if (m := held.get(one)) and one in forms_of(m.string)}
    latin = re.compile(r"[A-Za-z]{3,}")
    for name, view in GALLERY.items():
        page = Page(drawn(translated(view, code)))
        for text in [*page.words, *page.names]:
            assert text not in english - same, f"{name}: {text}"
            if TONGUES[code].rtl:
                foreign = set(latin.findall(text)) - PROPER
                assert not foreign, f"{name}: {text}"


def test_all_screens_are_in_the_gallery() -> None:
    assert {view.screen for view in GALLERY.values()} == set(Screen)


@pytest.mark.parametrize("name", ["cash", "review", "sending", "receipt", "stopped-cash", "safe"])
def test_hidden_sums_are_nowhere_on_the_page(name: str) -> None:
    shown = drawn(GALLERY[name])
    hidden = drawn(dataclasses.replace(GALLERY[name], hide_sums=True))
    for sum_ in ("$80.00", "$70.40", "0.00088000 BTC", "$9.60"):
        assert sum_ not in hidden
    assert "$80.00" in shown
    assert not re.search(r'class="d(5|20|50|100)\b', hidden), "a cut's width tells the bill"


def test_start_says_nothing_of_the_last_visitor() -> None:
    left_over = dataclasses.replace(PAID, screen=Screen.START, purchase=bought(1))
    page = drawn(left_over)
    for private in (ADDRESS[:8], ADDRESS[-8:], TXID[:8], PAID.reference, "$80.00", "70.40"):
        assert private not in page


def test_the_address_shows_both_ends_and_the_middle_only_when_asked() -> None:
    closed, opened = drawn(GALLERY["address"]), drawn(GALLERY["address-all"])
    fours = [ADDRESS[i : i + 4] for i in range(0, len(ADDRESS), 4)]
    assert all(f"<span>{four}</span>" in opened for four in fours)
    shown = [four for four in fours if f"<span>{four}</span>" in closed]
    assert shown == [*fours[:2], *fours[-2:]]


@pytest.mark.parametrize(("currency", "word"), [("USD", "bill"), ("CAD", "bill"), ("EUR", "note")])
def test_cash_is_called_what_the_place_calls_it(currency: str, word: str) -> None:
    other = {"bill": "note", "note": "bill"}[word]
    for view in GALLERY.values():
        text = text_of(drawn(dataclasses.replace(view, currency=currency))).lower()
        assert not re.search(rf"\b{other}s?\b", text)
    cash = text_of(drawn(dataclasses.replace(GALLERY["cash"], currency=currency)))
    assert f"{word}s" in cash


def test_a_market_price_is_named_and_the_fee_stands_apart() -> None:
    cost = text_of(drawn(GALLERY["cost"]))
    assert "12% of the cash you put in, and at least $5" in cost
    assert "$20.00" in cost, "the small example, where the least fee bites"
    assert "$15.00" in cost
    assert "$80,000.00" in cost


def said_keys() -> Iterator[tuple[str, str]]:
    """Yield every text key that our own code gives, and where."""
    for path in SOURCE.rglob("*.py"):
        for key in re.findall(r'"((?:kiosk|scan|closed)\.[a-z_]+)"', path.read_text("utf-8")):
            yield key, path.relative_to(SOURCE).as_posix()


EVENTS = dict.fromkeys(("kiosk.fee", "kiosk.note", "kiosk.sell"), "no text")
"""Names of accounts, actions and effects that look like text keys."""


def test_every_message_that_our_code_gives_has_its_own_words() -> None:
    unknown = {
        (key, where)
        for key, where in said_keys()
        if key not in sayings.SAYINGS
        and key not in EVENTS
        and where.startswith(("edge", "kiosk/e"))
    }
    assert not unknown


def test_the_table_of_messages_is_written_down() -> None:
    doc = sayings.__doc__ or ""
    for key in sayings.SAYINGS:
        assert f"``{key}``" in doc


@pytest.mark.parametrize("code", TONGUES)
@pytest.mark.parametrize("key", [*sayings.SAYINGS, "kiosk.never_heard_of", "devices.jammed"])
def test_every_message_speaks_every_language(key: str, code: str) -> None:
    for kind in ("good", "wait", "care", "stop"):
        view = translated(dataclasses.replace(PAID, say=Say(key, kind)), code)
        text = sayings.sentence(view.say or Say("", ""), view, Words(code, "USD"))
        assert text
        assert "{" not in text


def test_a_limit_is_not_named_where_the_law_sets_none() -> None:
    offer = msgspec.structs.replace(OFFER, day_max_minor=0)
    view = dataclasses.replace(PAID, offer=offer, say=Say("kiosk.limit", "care"))
    text = sayings.sentence(view.say or Say("", ""), view, Words("en", "USD"))
    assert "$0" not in text.replace("$920.00", "")
    assert "$920.00" in text


def test_an_unknown_grave_message_asks_to_call_and_not_to_try_again() -> None:
    found = Words("en", "USD")
    grave = sayings.sentence(Say("x.unheard", "stop"), BASE, found)
    assert "call us" in grave
    assert "safe" in grave


CALLS = ("help", "scam", "care", "safe", "stopped-cash")


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize(
    ("hours", "says", "not_said"),
    [
        ([ALWAYS], ("day",), ("Monday",)),
        ([wire.SupportHours(first=0, last=4, opens=480, closes=1_320)], ("Monday",), ("night",)),
        ([], (), ("night", "Monday", "answers:")),
    ],
)
def test_a_page_tells_the_stated_hours_and_no_others(
    name: str, hours: list[wire.SupportHours], says: tuple[str, ...], not_said: tuple[str, ...]
) -> None:
    view = GALLERY[name]
    assert view.offer is not None
    operator = msgspec.structs.replace(view.offer.operator, hours=hours)
    offer = msgspec.structs.replace(view.offer, operator=operator)
    body = drawn(dataclasses.replace(view, offer=offer)).partition("<main")[2]
    assert operator.phone in body
    assert all(word in body for word in says), body
    assert not any(word in body for word in not_said)


def test_the_first_page_tells_what_the_law_wants_there() -> None:
    operator = msgspec.structs.replace(OFFER.operator, hours=[ALWAYS], police="call 911")
    plain = drawn(dataclasses.replace(BASE, offer=OFFER))
    shown = msgspec.structs.replace(OFFER, operator=operator, shows=["hours", "police"])
    told = drawn(dataclasses.replace(BASE, offer=shown))
    assert 'id="reach"' not in plain
    assert "call 911" in told and "day and night" in told and operator.place in told
    assert operator.address in told and operator.address not in plain
