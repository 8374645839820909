"""The voice: the same strings as the page, made on the machine; without it nothing else is lost."""

from __future__ import annotations

import io
import shutil
import stat
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
    sound = Speech().wav(pages.draw(translated(GALLERY["stopped"], code)), TONGUES[code])
    with wave.open(io.BytesIO(sound)) as found:
        assert found.getframerate() >= 16_000
    assert len(sound) > 50_000


def test_a_long_page_is_cut_at_the_limit() -> None:
    page = f"<main><p>{'word ' * speech.TEXT_CHARS_MAX}</p></main>"
    assert len(text_of(page)) == speech.TEXT_CHARS_MAX


def test_a_slow_or_broken_voice_is_given_up(tmp_path: Path) -> None:
    for script in ("sleep 20", "exit 3"):
        with pytest.raises(NoVoice):
            program(tmp_path, script, 0.2).wav("<main><p>Hello</p></main>", TONGUES["en"])


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
