"""Processes forked from one that has read the code already: a start costs no imports.

The library's own fork server (multiprocessing), told where the tests' modules are, which it is
not in this version of Python.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
from multiprocessing import forkserver
from multiprocessing.context import ForkServerContext


def forks(preload: str) -> ForkServerContext:
    """Return the context whose processes are forked after ``preload`` was imported."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([preload])
    before = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = os.pathsep.join(sys.path)
    try:
        forkserver.ensure_running()
    finally:
        os.environ.pop("PYTHONPATH")
        if before is not None:
            os.environ["PYTHONPATH"] = before
    return context
