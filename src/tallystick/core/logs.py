"""The program's own log: lines on standard error, so that standard output stays the answer.

Whoever writes a line imports this; a command that writes none never reads the library, which is
the slowest thing that most commands would otherwise wait for. The stream is asked for at each
line, for a test or a supervisor may have changed it since.
"""

from __future__ import annotations

import sys
from typing import Any

import structlog


def _stream(*_: Any) -> structlog.PrintLogger:
    return structlog.PrintLogger(sys.stderr)


structlog.configure(logger_factory=_stream)


def logger() -> Any:
    """Return a logger: ``LOG.info("what", name=value)``."""
    return structlog.get_logger()
