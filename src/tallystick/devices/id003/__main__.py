"""Run the simulated devices: ``python -m tallystick.devices.id003 --link PATH --control PATH
--state FILE [--scanner-link PATH] [--ready-file FILE] [--pace-ms N]``.

A validator, and with ``--scanner-link`` a scanner, each on a pseudo-terminal that the link points
to; one thread does everything. Killing the process is a power cut.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import selectors
import signal
import socket
import sys
import tty
from collections.abc import Callable
from pathlib import Path
from typing import Final

from tallystick.core.clock import SystemClock
from tallystick.devices.errors import DeviceError
from tallystick.devices.id003.desk import Desk
from tallystick.devices.id003.memory import Memory
from tallystick.devices.id003.simulator import SimulatedValidator

REQUEST_BYTES_MAX: Final = 65_536
CONNECTIONS_MAX: Final = 32
READ_BYTES_MAX: Final = 4_096
TICK_S: Final = 0.02
PACE_MS_MAX: Final = 10_000


class Port:
    """One pseudo-terminal, and the link by which others find it."""

    def __init__(self, link: Path) -> None:
        self.handle, self._kept = os.openpty()
        tty.setraw(self._kept)
        os.set_blocking(self.handle, False)
        draft = link.with_name(link.name + ".new")
        draft.unlink(missing_ok=True)
        draft.symlink_to(os.ttyname(self._kept))
        draft.replace(link)

    def read(self) -> bytes:
        """Return what came."""
        with contextlib.suppress(BlockingIOError):
            return os.read(self.handle, READ_BYTES_MAX)
        return b""

    def write(self, data: bytes) -> None:
        """Send; bytes that nobody takes in time are lost, as on a wire."""
        with contextlib.suppress(BlockingIOError):
            os.write(self.handle, data)


class Process:
    """The loop of one process: a validator's port, a control socket, perhaps a scanner's port."""

    def __init__(self, device: SimulatedValidator, link: Path, control: Path) -> None:
        self._device, self._port, self._ending = device, Port(link), False
        self._scanner: Port | None = None
        self._desk = Desk(device, self._present)
        self._many = selectors.DefaultSelector()
        self._listener = socket.socket(socket.AF_UNIX)
        control.unlink(missing_ok=True)
        self._listener.bind(str(control))
        self._listener.listen(CONNECTIONS_MAX)
        self._listener.setblocking(False)
        self._many.register(self._port.handle, selectors.EVENT_READ, self._on_host)
        self._many.register(self._listener, selectors.EVENT_READ, self._on_knock)

    def add_scanner(self, link: Path) -> None:
        """Give it a scanner too."""
        self._scanner = Port(link)

    def end(self) -> None:
        """Leave the loop soon."""
        self._ending = True

    def run(self) -> None:
        """Serve until `end`."""
        while not self._ending:
            for key, _ in self._many.select(TICK_S):
                key.data()
            self._device.tick()

    def _on_host(self) -> None:
        if reply := self._device.hear(self._port.read()):
            self._port.write(reply)

    def _present(self, data: bytes) -> None:
        if self._scanner is not None:
            self._scanner.write(data)

    def _on_knock(self) -> None:
        stream, _ = self._listener.accept()
        if len(self._many.get_map()) > CONNECTIONS_MAX:
            stream.close()
            return
        stream.setblocking(False)
        held = bytearray()
        read: Callable[[], None] = lambda: self._on_request(stream, held)  # noqa: E731
        self._many.register(stream, selectors.EVENT_READ, read)

    def _on_request(self, stream: socket.socket, held: bytearray) -> None:
        try:
            part = stream.recv(REQUEST_BYTES_MAX)
            held += part
            while b"\n" in held:
                line, _, rest = bytes(held).partition(b"\n")
                held[:] = rest
                stream.setblocking(True)
                stream.settimeout(1)
                stream.sendall(self._desk.answer(line))
                stream.setblocking(False)
            if part and len(held) <= REQUEST_BYTES_MAX:
                return
        except OSError:
            held.clear()
        self._many.unregister(stream)
        stream.close()


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Simulated cash hardware on pseudo-terminals.")
    parser.add_argument("--link", type=Path, required=True, help="the validator's port")
    parser.add_argument("--control", type=Path, required=True, help="a Unix socket for hands")
    parser.add_argument("--state", type=Path, required=True, help="what a power cut leaves")
    parser.add_argument("--scanner-link", type=Path, help="the scanner's port")
    parser.add_argument("--ready-file", type=Path)
    parser.add_argument("--pace-ms", type=int, default=0, help="one mechanical beat; 0 is at once")
    asked = parser.parse_args()
    if not 0 <= asked.pace_ms <= PACE_MS_MAX:
        parser.error(f"--pace-ms from 0 to {PACE_MS_MAX}")
    return asked


def main() -> None:
    """Open the ports and serve until told to stop."""
    asked = _asked()
    try:
        memory = Memory(asked.state)
    except DeviceError as error:
        sys.exit(str(error))
    device = SimulatedValidator(SystemClock(), memory, asked.pace_ms / 1_000)
    process = Process(device, asked.link, asked.control)
    if asked.scanner_link:
        process.add_scanner(asked.scanner_link)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: process.end())
    if asked.ready_file:
        draft = asked.ready_file.with_name(asked.ready_file.name + ".new")
        draft.write_text(str(asked.link))
        draft.replace(asked.ready_file)
    process.run()
    asked.control.unlink(missing_ok=True)


if __name__ == "__main__":
    main()
