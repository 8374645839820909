"""Journal and book as one: a record is on disk before the book, and thus anybody, knows of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from tallystick.edge.book import TOLD_KINDS, Book, Delivery, replay
from tallystick.edge.journal import COMPACT_AT_BYTES, Journal


class Log:
    """What the machine wrote down; ``on_news`` is called when there is something to tell."""

    def __init__(
        self,
        path: Path,
        on_news: Callable[[], None] = lambda: None,
        compact_at: int = COMPACT_AT_BYTES,
    ) -> None:
        self.journal = Journal(path)
        self.book: Book = replay(self.journal.records)
        self.journal.records.clear()
        self.on_news, self._compact_at = on_news, compact_at

    def write(self, kind: str, *, durable: bool = True, **facts: Any) -> int:
        """Write one record, then count it; raise `JournalUnwritable` and count nothing."""
        record = {"kind": kind, **facts}
        seq = self.journal.append(record, durable)
        self.book.apply(seq, record)
        if kind in TOLD_KINDS:
            self.on_news()
        return seq

    def told(self, told: Delivery, refused: int) -> None:
        """Note that the server has heard a message. Not synced: telling twice does no harm."""
        self.write("told", durable=False, seq=told.seq, refused=refused)

    def tidy(self, current: str) -> None:
        """Forget purchases that are over, except the one on screen; shorten a long journal."""
        for bought in list(self.book.purchases.values()):
            over = bought.closed or bought.finishing
            if bought.id != current and over and self.book.may_end(bought.id):
                self.write("ended", durable=False, purchase=bought.id)
        long = self.journal.bytes > self._compact_at
        if long and not self.book.purchases and not self.book.untold:
            self.journal.compact([self.book.summary()])
