from __future__ import annotations

import os
import threading
import time
import tty
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick.devices.errors import PaperTooLong, PrinterLost, PrinterOut
from tallystick.devices.escpos import CUT, LINES_MAX, QR_BYTES_MAX, START, as_bytes, as_text
from tallystick.devices.printer import (
    ANSWER_S_MAX,
    PAPERS_KEPT,
    EscPosPrinter,
    PaperLine,
    VirtualPrinter,
)

PAPER = [
    PaperLine("Receipt", "title"),
    PaperLine("Cash         50.00 €", "plain"),
    PaperLine("Total", "strong"),
    PaperLine("", "rule"),
    PaperLine("bcrt1q…", "code"),
    PaperLine("https://example.test/r#1", "qr"),
]
OK, LOW, OUT = b"\x12", b"\x1e", b"\x7e"


class FakePrinter(threading.Thread):
    """The other end of a pseudo-terminal: answers DLE EOT 4, keeps everything else."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.master, self.slave = os.openpty()
        tty.setraw(self.slave)
        self.path = os.ttyname(self.slave)
        self.answers, self.got, self.out_after = OK, bytearray(), 0

    def run(self) -> None:
        while data := self._read():
            while b"\x10\x04\x04" in data:
                before, _, data = data.partition(b"\x10\x04\x04")
                self.got += before
                out = self.out_after and len(self.got) >= self.out_after
                os.write(self.master, OUT if out else self.answers)
            self.got += data

    def _read(self) -> bytes:
        try:
            return os.read(self.master, 4_096)
        except OSError:
            return b""

    def end(self) -> None:
        os.close(self.slave)
        self.join(5)
        os.close(self.master)


@pytest.fixture
def fake() -> Iterator[FakePrinter]:
    made = FakePrinter()
    made.start()
    yield made
    made.end()


def test_the_bytes_on_the_wire_are_the_paper_exactly(fake: FakePrinter) -> None:
    EscPosPrinter(fake.path).print(PAPER)
    assert bytes(fake.got) == as_bytes(PAPER)


def test_the_bytes_are_the_known_ones() -> None:
    assert as_bytes(PAPER[:4]) == (
        b"\x1b@\x1bt\x13"
        b"\x1bE\x01\x1d!\x01Receipt\n\x1d!\x00\x1bE\x00"
        b"Cash         50.00 \xd5\n"
        b"\x1bE\x01Total\n\x1bE\x00" + b"-" * 42 + b"\n" + b"\n\n\n\x1dVB\x00"
    )
    assert as_bytes([PaperLine("AB", "qr")]) == START + (
        b"\x1ba\x01\x1d(k\x04\x001A2\x00\x1d(k\x03\x001C\x06\x1d(k\x03\x001E1"
        b"\x1d(k\x05\x001P0AB\x1d(k\x03\x001Q0\n\x1ba\x00" + CUT
    )


@pytest.mark.parametrize(
    ("answer", "condition"), [(OK, "ok"), (LOW, "paper_low"), (OUT, "paper_out"), (b"", "lost")]
)
def test_the_printer_says_how_it_is(fake: FakePrinter, answer: bytes, condition: str) -> None:
    fake.answers = answer
    assert EscPosPrinter(fake.path).status() == condition


def test_a_wrong_answer_is_passed_over(fake: FakePrinter) -> None:
    fake.answers = b"\xff\x00" + LOW
    assert EscPosPrinter(fake.path).status() == "paper_low"


def test_without_paper_nothing_is_sent(fake: FakePrinter) -> None:
    fake.answers = OUT
    with pytest.raises(PrinterOut):
        EscPosPrinter(fake.path).print(PAPER)
    assert bytes(fake.got) == b""


def test_paper_that_runs_out_in_the_middle_is_noticed(fake: FakePrinter) -> None:
    fake.out_after = 20
    with pytest.raises(PrinterOut):
        EscPosPrinter(fake.path).print(PAPER)


def test_a_silent_printer_is_lost_within_the_limit(fake: FakePrinter) -> None:
    fake.answers = b""
    start_s = time.monotonic()
    with pytest.raises(PrinterLost):
        EscPosPrinter(fake.path).print(PAPER)
    assert ANSWER_S_MAX <= time.monotonic() - start_s < 2 * ANSWER_S_MAX


def test_a_printer_that_cannot_answer_is_believed(fake: FakePrinter) -> None:
    fake.answers = b""
    printer = EscPosPrinter(fake.path, answers=False)
    printer.print(PAPER)
    assert printer.status() == "ok"


def test_no_port_is_a_lost_printer(tmp_path: Path) -> None:
    printer = EscPosPrinter(str(tmp_path / "lp0"))
    assert printer.status() == "lost"
    with pytest.raises(PrinterLost):
        printer.print(PAPER)


def test_a_paper_is_kept_as_text_and_as_bytes(tmp_path: Path) -> None:
    printer = VirtualPrinter(tmp_path / "papers")
    printer.print(PAPER)
    printer.print(PAPER[:1])
    names = sorted(path.name for path in (tmp_path / "papers").iterdir())
    assert names == ["000001.bin", "000001.txt", "000002.bin", "000002.txt"]
    assert (tmp_path / "papers/000001.bin").read_bytes() == as_bytes(PAPER)
    assert (tmp_path / "papers/000001.txt").read_text("utf-8").splitlines() == [
        "Receipt",
        "Cash         50.00 €",
        "Total",
        "-" * 42,
        "bcrt1q…",
        "[QR https://example.test/r#1]",
    ]


def test_only_the_last_papers_are_kept(tmp_path: Path) -> None:
    printer = VirtualPrinter(tmp_path)
    (tmp_path / "notes.txt").write_text("not a paper")
    for _ in range(PAPERS_KEPT + 3):
        printer.print(PAPER[:1])
    papers = sorted(tmp_path.glob("0*.txt"))
    assert len(papers) == len(list(tmp_path.glob("0*.bin"))) == PAPERS_KEPT
    assert papers[-1].stem == f"{PAPERS_KEPT + 3:06}"


def test_the_virtual_roll_runs_low_and_out(tmp_path: Path) -> None:
    printer = VirtualPrinter(tmp_path)
    assert printer.status() == "ok"
    (tmp_path / "paper-low").touch()
    assert printer.status() == "paper_low"
    (tmp_path / "out-of-paper").touch()
    assert printer.status() == "paper_out"
    with pytest.raises(PrinterOut):
        printer.print(PAPER)
    assert list(tmp_path.glob("*.bin")) == []


def test_a_folder_that_cannot_be_written_is_a_lost_printer(tmp_path: Path) -> None:
    (tmp_path / "papers").write_text("in the way")
    printer = VirtualPrinter(tmp_path / "papers")
    assert printer.status() == "lost"
    with pytest.raises(PrinterLost):
        printer.print(PAPER)


def test_a_paper_has_a_longest(tmp_path: Path) -> None:
    line = PaperLine("x")
    as_bytes([line] * LINES_MAX)
    as_bytes([PaperLine("x" * QR_BYTES_MAX, "qr")])
    for long in ([line] * (LINES_MAX + 1), [PaperLine("x" * (QR_BYTES_MAX + 1), "qr")]):
        with pytest.raises(PaperTooLong):
            VirtualPrinter(tmp_path).print(long)
    assert list(tmp_path.iterdir()) == []


@given(st.text(max_size=60))
def test_no_text_gives_the_printer_orders(text: str) -> None:
    body = as_bytes([PaperLine(text)])[len(START) : -len(CUT)]
    assert body.endswith(b"\n")
    assert not any(byte < 0x20 or byte == 0x7F for byte in body[:-1])
    assert as_text([PaperLine(text)]).count("\n") == 1


@pytest.mark.parametrize(
    ("text", "printed"),
    [("Zoë", b"Zo\x89"), ("ő", b"o"), ("“x”", b'"x"'), ("東", b"?"), ("e\u0301", b"e")],
)
def test_what_the_code_page_lacks_is_made_plain(text: str, printed: bytes) -> None:
    assert as_bytes([PaperLine(text)]) == START + printed + b"\n" + CUT
