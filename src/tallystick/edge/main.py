"""The process inside a kiosk, put together: journal, devices, link, screen.

The screen is served on loopback by this very process, so that a lost network never blanks it
(Decision 7). The demo's hands exist only where a socket of the device simulator is given.
"""

from __future__ import annotations

import contextlib
import signal
import socket
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Final

import structlog
import uvicorn

from tallystick.core.clock import Clock, SystemClock
from tallystick.core.identity.keys import load_or_make_key
from tallystick.devices.camera import open_camera
from tallystick.devices.headphones import Jack
from tallystick.devices.id003.driver import Id003
from tallystick.devices.printer import EscPosPrinter, PaperLine, Printer, VirtualPrinter
from tallystick.devices.scanner import SerialScanner
from tallystick.edge import pairing as pairings
from tallystick.edge.bench import Bench
from tallystick.edge.engine import Engine
from tallystick.edge.errors import NotPaired, ScreenTooSmall, ServerLost
from tallystick.edge.log import Log
from tallystick.edge.screen.app import create_app
from tallystick.edge.screen.receipt import Line
from tallystick.edge.settings import Settings

CLOSE_S: Final = 2
PAIR_S_MAX: Final = 60
SCREEN_MM_MIN, WIDE_MM_MIN = 185, 292
"""The narrowest screens, upright and lying, on which large capitals of 7.3 mm lose nothing."""
LOG = structlog.get_logger()


def pairing_of(settings: Settings, clock: Clock) -> pairings.Pairing:
    """Return the pairing, making it first by the code given; raise `NotPaired`."""
    settings.data.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        held = pairings.load(settings.data)
    except NotPaired:
        if not settings.pair:
            raise
        held = _paired(settings, clock)
    if settings.server and settings.server != held.url:
        held = pairings.move(settings.data, settings.server)
    return held


def _paired(settings: Settings, clock: Clock) -> pairings.Pairing:
    """Pair, trying again for a while when the server is not there yet."""
    until = clock.monotonic_s() + PAIR_S_MAX
    while True:
        try:
            return pairings.pair(settings.data, settings.pair)
        except ServerLost:
            if clock.monotonic_s() > until:
                raise
            clock.sleep(0.1)


def printer_of(name: str) -> Printer | None:
    """Return the printer by its name in the settings."""
    kind, _, where = name.partition(":")
    if kind == "virtual":
        return VirtualPrinter(Path(where))
    return EscPosPrinter(where) if kind == "escpos" else None


def put_with(printer: Printer | None) -> Callable[[list[Line]], None]:
    """Return what prints the screen's lines on this printer."""

    def put(lines: list[Line]) -> None:
        if printer is not None:
            printer.print([PaperLine(line.text, line.look.value) for line in lines])

    return put


def check_screen(screen_mm: int) -> str:
    """Return what to tell an operator of a screen so wide, or nothing; raise `ScreenTooSmall`."""
    if not screen_mm:
        return "screen_mm is not set: sizes are in pixels, and nobody has measured them"
    if screen_mm < SCREEN_MM_MIN:
        raise ScreenTooSmall(f"{screen_mm} mm wide; {SCREEN_MM_MIN} mm is the least")
    if screen_mm < WIDE_MM_MIN:
        return f"{screen_mm} mm is wide enough upright; lying, it takes {WIDE_MM_MIN} mm"
    return ""


def build(settings: Settings, clock: Clock) -> Engine:
    """Return the machine, not yet started."""
    held = pairing_of(settings, clock)
    key = load_or_make_key(settings.data / "machine.key")
    log = Log(settings.data / "journal")
    validator = Id003(settings.validator, clock, settings.currency)
    scanner = SerialScanner(settings.scanner, clock) if settings.scanner else None
    put = put_with(printer_of(settings.printer))
    return Engine(
        *(held, key, log, validator, scanner, put, clock),
        demo=bool(settings.hands),
        reading_percent=settings.reading_percent,
        camera=open_camera(settings.camera, clock),
        headphones=Jack(settings.headphones, clock) if settings.headphones else None,
        volume=settings.speech_volume,
    )


class _Server(uvicorn.Server):
    """Ends the screen's event streams first, so that stopping does not wait for them."""

    def __init__(self, config: uvicorn.Config, hang_up: Callable[[], None]) -> None:
        super().__init__(config)
        self._hang_up = hang_up

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Hang up, then stop as ever."""
        self._hang_up()
        super().handle_exit(sig, frame)


def run(settings: Settings, ready: Path | None = None) -> None:
    """Serve until SIGTERM. The ready file, once written, holds the screen's address."""
    clock = SystemClock()
    if told := check_screen(settings.screen_mm):
        LOG.warning("screen", told=told)
    engine = build(settings, clock)
    hands = Bench(settings, engine, clock) if settings.hands else None
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", settings.screen_port))
    listener.listen(128)
    app = create_app(engine, clock, hands, screen_mm=settings.screen_mm)
    config = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        lifespan="off",
        timeout_graceful_shutdown=CLOSE_S,
    )
    engine.start()
    if ready is not None:
        ready.write_text(f"http://127.0.0.1:{listener.getsockname()[1]}")
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with contextlib.suppress(KeyboardInterrupt):
            _Server(config, app.state.hang_up).run(sockets=[listener])
    finally:
        engine.stop()
