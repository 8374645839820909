"""Who listens: headphones at a real node, warnings that wait for the voice, loudness, privacy."""

from __future__ import annotations

import io
import wave
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from edge.rig import until
from edge.test_engine import Rig
from screens.stage import served
from tallystick.core.clock import SystemClock
from tallystick.edge.idle import IDLE_S
from tallystick.edge.reading import VOICE_S_MAX
from tallystick.edge.screen.app import create_app
from tallystick.edge.screen.pages import draw
from tallystick.edge.view import VOLUME, VOLUME_MAX, Screen, Touch


class Ears(Rig):
    """A rig whose warnings stand for their time, with its pages served."""

    def get(self, url: str, path: str) -> bytes:
        return httpx.get(url + path, timeout=20).content


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Ears]:
    made = Ears(tmp_path, reading_percent=100)
    try:
        yield made
        made.holds()
    finally:
        made.end()


def length_s(sound: bytes) -> float:
    """Return how long a sound lasts, by its samples alone."""
    with wave.open(io.BytesIO(sound)) as found:
        return (len(sound) - 44) / found.getframerate() / found.getsampwidth()


def test_a_warning_waits_for_the_reader_and_for_the_end_of_the_voice(rig: Ears) -> None:
    rig.kiosk.to_scan()
    rig.kiosk.touch(Touch.LISTEN)
    rig.kiosk.touch(Touch.STILL_HERE)
    rig.hands.present("bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080")
    rig.kiosk.reach(Screen.ADDRESS)
    rig.kiosk.touch(Touch.ADDRESS_YES)
    said = rig.kiosk.reach(Screen.CARE).care
    assert said is not None
    with served(create_app(rig.kiosk.engine, SystemClock())) as url:
        sound = rig.get(url, "/speech.wav")
    spoken_s = length_s(sound)
    assert spoken_s > said.wait_ms / 1_000 + 3, "or this test shows nothing"
    rig.clock.by_s += said.wait_ms / 1_000 + 1
    rig.kiosk.touch(Touch.PROCEED)
    assert rig.kiosk.view.screen is Screen.CARE and rig.kiosk.view.asleep
    assert (s := rig.kiosk.view.say) and s.key == "kiosk.read_warning"
    rig.kiosk.touch(Touch.HUSH)
    rig.kiosk.touch(Touch.PROCEED)
    assert rig.kiosk.view.screen is Screen.CARE, "silencing it does not shorten it"
    rig.clock.by_s += spoken_s - said.wait_ms / 1_000
    until(lambda: not rig.kiosk.view.asleep)
    rig.kiosk.touch(Touch.PROCEED)
    rig.kiosk.reach(Screen.CASH)


def test_stop_works_while_the_voice_speaks_and_a_lost_voice_holds_nobody(rig: Ears) -> None:
    to_warning_of_the_law(rig)
    assert rig.kiosk.view.asleep
    rig.kiosk.touch(Touch.ACKNOWLEDGE)
    assert rig.kiosk.view.screen is Screen.WARNING, "the law's warning is heard out too"
    rig.clock.by_s += VOICE_S_MAX + 1
    until(lambda: not rig.kiosk.view.asleep)
    place = f"warning-{rig.kiosk.view.warning.id}"  # type: ignore[union-attr]
    rig.kiosk.engine.spoken(place, 30)
    assert rig.kiosk.view.asleep
    rig.kiosk.engine.spoken("another page", 300)
    rig.clock.by_s += 31
    until(lambda: not rig.kiosk.view.asleep)
    rig.kiosk.touch(Touch.ACKNOWLEDGE)
    rig.kiosk.reach(Screen.SCAN)
    rig.hands.present("bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080")
    rig.kiosk.reach(Screen.ADDRESS)
    rig.kiosk.touch(Touch.ADDRESS_YES)
    rig.kiosk.reach(Screen.CARE)
    rig.kiosk.engine.spoken("care", 30)
    rig.kiosk.touch(Touch.STOP)
    assert rig.kiosk.reach(Screen.STOPPED).cash_minor == 0


def to_warning_of_the_law(rig: Rig) -> None:
    rig.kiosk.reach(Screen.START)
    rig.kiosk.touch(Touch.START)
    rig.kiosk.touch(Touch.LISTEN)
    rig.kiosk.touch(Touch.LANGUAGE, language="en")
    rig.kiosk.touch(Touch.ACCEPT_COST)
    rig.kiosk.reach(Screen.WARNING)


def test_headphones_begin_and_end_speech_and_what_is_private(rig: Ears) -> None:
    kiosk = rig.kiosk
    kiosk.reach(Screen.START)
    kiosk.plug(True)
    assert kiosk.view.listening and "data-listening" in draw(kiosk.view)
    kiosk.touch(Touch.HUSH)
    kiosk.plug(False)
    kiosk.plug(True)
    kiosk.touch(Touch.LOUDER)
    assert kiosk.view.volume == VOLUME + 10
    kiosk.plug(False)
    view = kiosk.view
    assert (view.listening, view.volume) == (False, VOLUME), "nothing goes on to the loudspeaker"
    kiosk.plug(True)
    kiosk.touch(Touch.START)
    kiosk.touch(Touch.STOP)
    kiosk.reach(Screen.STOPPED)
    kiosk.touch(Touch.DONE)
    assert kiosk.reach(Screen.START).listening, "they are still in"


def test_each_visit_ends_with_the_set_loudness_and_without_a_voice(rig: Ears) -> None:
    kiosk = rig.kiosk
    kiosk.reach(Screen.START)
    for end in (lambda: kiosk.touch(Touch.DONE), lambda: idle(rig)):
        kiosk.touch(Touch.START)
        kiosk.touch(Touch.LISTEN)
        for _ in range(12):
            kiosk.touch(Touch.LOUDER)
        assert kiosk.view.volume == VOLUME_MAX
        for _ in range(12):
            kiosk.touch(Touch.QUIETER)
        assert 0 < kiosk.view.volume < VOLUME
        kiosk.touch(Touch.STOP)
        kiosk.reach(Screen.STOPPED)
        end()
        view = kiosk.reach(Screen.START)
        assert (view.volume, view.listening) == (VOLUME, False)
    kiosk.touch(Touch.LISTEN)
    kiosk.touch(Touch.LOUDER)
    rig.clock.by_s += IDLE_S[Screen.START] + 1
    until(lambda: (kiosk.view.volume, kiosk.view.listening) == (VOLUME, False))


def idle(rig: Rig) -> None:
    rig.clock.by_s += IDLE_S[Screen.STOPPED] + 1
    until(lambda: rig.kiosk.view.still_there)
    rig.clock.by_s += 61
