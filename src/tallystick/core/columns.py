"""The columns that every table has most: a text and a whole number, neither ever absent."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa


def text(name: str, **more: Any) -> sa.Column[str]:
    """Return a column of text, not null."""
    return sa.Column(name, sa.Text, nullable=False, **more)


def whole(name: str, **more: Any) -> sa.Column[int]:
    """Return a column of 64-bit whole numbers, not null: minor units, satoshis, counts."""
    return sa.Column(name, sa.BigInteger, nullable=False, **more)
