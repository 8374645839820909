"""Numba's compiler behind one typed name, with its cache where it survives and bothers nobody.

Kernels are compiled once on a machine and then read from the cache (``NUMBA_CACHE_DIR`` if set,
else ``XDG_CACHE_HOME`` or ``~/.cache``, in ``tallystick/numba``), in a folder named after the
source that they are made of: a changed constant never meets an old kernel. Kernels hold no lock of
Python's while they run, so plain threads use every processor.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeVar, cast

Kernel = TypeVar("Kernel", bound=Callable[..., Any])


SOURCES: Final = ("compiled", "chance", "model", "layout", "ways", "kernel", "queue")
"""The modules whose values are built into kernels."""


def cache_folder() -> Path:
    """Return where compiled kernels are kept."""
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    here = Path(__file__).parent
    made_of = b"".join((here / f"{name}.py").read_bytes() for name in SOURCES)
    return Path(home) / "tallystick" / "numba" / hashlib.sha256(made_of).hexdigest()[:16]


os.environ.setdefault("NUMBA_CACHE_DIR", str(cache_folder()))

import numba  # noqa: E402 - it reads where its cache is when it is first imported

OPTIONS: Final[Any] = {"nogil": True, "cache": True, "error_model": "numpy"}


def compiled(kernel: Kernel) -> Kernel:
    """Compile a function at its first call, or read it from the cache."""
    return cast(Kernel, numba.njit(**OPTIONS)(kernel))
