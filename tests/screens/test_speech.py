"""The voice: the same strings as the page, made on the machine; without it nothing else is lost."""

from __future__ import annotations

import dataclasses
import io
import shutil
import stat
import struct
import wave
from pathlib import Path

import httpx
import pytest

from screens.gallery import BASE, translated, views
from screens.reading import Page
from screens.stage import HeldEngine, served
from tallystick.core.clock import SystemClock
from tallystick.edge.screen import pages, speech
from tallystick.edge.screen.app import create_app
from tallystick.edge.screen.chime import FULL, PEAK, chime
from tallystick.edge.screen.speech import NoVoice, Speech, text_of
from tallystick.edge.screen.words import TONGUES

GALLERY = views()


def read_aloud(name: str, code: str = "en") -> str:
    return text_of(pages.draw(translated(GALLERY[name], code), None, can_speak=True))


def program(folder: Path, script: str, wait_s: float = speech.SPEECH_S_MAX) -> Speech:
    """Return a voice whose program is a script of ours."""
    path = folder / "voice"
    path.write_text(f"#!/bin/sh\n{script}\n", "utf-8")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return Speech(str(path), wait_s)


@pytest.mark.parametrize("name", GALLERY)
def test_the_voice_says_every_choice_by_its_number(name: str) -> None:
    heard = read_aloud(name)
    html = pages.draw(GALLERY[name], None, can_speak=True)
    dialog = "alertdialog" in html
    start = html.index('role="alertdialog"' if dialog else "<main")
    inside = html[start : None if dialog else html.index("</main>")]
    choices = inside.count("<button") + inside.count('type="checkbox"')
    if "data-pad" in inside:
        assert "The hash key goes on" in heard
        choices = 0
    for number in range(1, choices + 1):
        assert f"{number}: " in heard
    assert f"{choices + 1}: " not in heard


def test_the_dialog_alone_is_read_while_it_is_up() -> None:
    heard = read_aloud("cash-still")
    assert heard.startswith("Are you still there?")
    assert "Put in your bills" not in heard
    assert "1: I am still here." in heard


def test_an_address_is_read_letter_by_letter_and_its_middle_is_not() -> None:
    heard = read_aloud("address")
    assert "b c r t 1 q w 5" in heard
    assert "7 k y g t 0 8 0" in heard
    assert "08d6" not in heard.replace(" ", "")


def test_a_question_is_heard_in_headphones_alone() -> None:
    view = GALLERY["question"]
    assert view.question is not None
    page = pages.draw(view, None, can_speak=True)
    for listening in (False, True):
        heard = pages.aloud(dataclasses.replace(view, listening=listening), page)
        assert "Put in headphones" in heard
        for words in (view.question.text, *(one.text for one in view.question.options)):
            assert words not in heard
    private = pages.aloud(dataclasses.replace(view, private=True), page)
    assert view.question.text in private
    assert all(one.text in private for one in view.question.options)


@pytest.mark.parametrize(("name", "typed"), [("phone", "2 0 2 5 5 5"), ("code", "4 0 7 1")])
def test_what_is_typed_is_heard_in_headphones_alone(name: str, typed: str) -> None:
    view = GALLERY[name]
    page = pages.draw(view, None, can_speak=True)
    for part in ("", speech.TYPED, speech.NEWS):
        heard = pages.aloud(view, page, part)
        assert not set(typed.split()) & set(heard.replace("•••• 42", "").split())
    private = dataclasses.replace(view, private=True)
    assert typed in pages.aloud(private, page)
    assert pages.aloud(private, page, speech.TYPED).strip(". ") == typed


def test_only_the_news_is_read_when_a_page_stays() -> None:
    page = pages.draw(GALLERY["cash"], None, can_speak=True)
    assert text_of(page, part=speech.NEWS) == "We counted your $10.00."


def test_the_length_of_a_sound_is_that_of_its_samples() -> None:
    made = io.BytesIO()
    with wave.open(made, "wb") as out:
        out.setparams((1, 2, 22_050, 0, "NONE", ""))
        out.writeframes(bytes(2 * 22_050 * 3))
    assert speech.seconds(made.getvalue()) == 3.0
    assert speech.seconds(b"RIFF") == 0.0
    with wave.open(io.BytesIO(chime())) as tone:
        assert tone.getnframes() / tone.getframerate() == pytest.approx(speech.seconds(chime()))
        loud = max(abs(one) for (one,) in struct.iter_unpack("<h", tone.readframes(10**6)))
    assert FULL // 3 < loud <= FULL * PEAK


def letters(text: str) -> str:
    return "".join(filter(str.isalnum, text))


@pytest.mark.parametrize("code", TONGUES)
@pytest.mark.parametrize("name", ["cost", "warning", "cash", "review", "safe"])
def test_ears_hear_what_eyes_read(name: str, code: str) -> None:
    html = pages.draw(translated(GALLERY[name], code), None, can_speak=True)
    main = html[html.index("<main") : html.index("</main>") + len("</main>")]
    sentences = Page(main).words
    assert sentences
    for sentence in sentences:
        assert letters(sentence) in letters(text_of(html))


@pytest.mark.parametrize("code", TONGUES)
def test_a_real_voice_speaks_each_language(code: str) -> None:
    assert shutil.which(speech.PROGRAM), "the tests need espeak-ng: run make test"
    sound = Speech().wav(text_of(pages.draw(translated(GALLERY["stopped"], code))), TONGUES[code])
    with wave.open(io.BytesIO(sound)) as found:
        assert found.getframerate() >= 16_000
    assert len(sound) > 50_000


def test_a_long_page_is_cut_at_the_limit() -> None:
    page = f"<main><p>{'word ' * speech.TEXT_CHARS_MAX}</p></main>"
    assert len(text_of(page)) == speech.TEXT_CHARS_MAX


def test_a_slow_or_broken_voice_is_given_up(tmp_path: Path) -> None:
    for script in ("sleep 20", "exit 3"):
        with pytest.raises(NoVoice):
            program(tmp_path, script, 0.2).wav("Hello.", TONGUES["en"])


def test_without_a_voice_the_button_says_so_and_all_else_works() -> None:
    silent = Speech("no-such-voice")
    assert not silent.ready
    engine = HeldEngine(BASE)
    with served(create_app(engine, SystemClock(), speech=silent)) as url:
        page = httpx.get(url)
        assert page.status_code == 200
        assert "This machine has no voice." in page.text
        assert "data-speak" not in page.text
        assert httpx.get(f"{url}/speech.wav").status_code == 404


def test_with_a_voice_the_page_is_served_as_sound(tmp_path: Path) -> None:
    voice = program(tmp_path, "cat >/dev/null; printf RIFFsound")
    with served(create_app(HeldEngine(BASE), SystemClock(), speech=voice)) as url:
        assert "data-speak" in httpx.get(url).text
        reply = httpx.get(f"{url}/speech.wav")
        assert reply.content == b"RIFFsound"
        assert reply.headers["content-type"] == "audio/wav"
