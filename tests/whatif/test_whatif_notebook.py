"""The notebook runs from top to bottom in a kernel of its own, and shows what it says."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOK = Path(__file__).parents[2] / "notebooks" / "whatif_hubs.ipynb"
KERNEL_S_MAX = 300


@pytest.mark.timeout(KERNEL_S_MAX)
@pytest.mark.filterwarnings("ignore")
def test_the_notebook_runs() -> None:
    book = nbformat.read(NOTEBOOK, 4)
    assert all(not cell.get("outputs") for cell in book.cells), "kept without outputs"
    NotebookClient(book, timeout=KERNEL_S_MAX, kernel_name="python3").execute()
    said = str([cell.get("outputs") for cell in book.cells])
    assert "Effect on arrivals supposed: none. Nobody has measured it." in said
    assert "20% fewer by small boat" in said and "image/svg+xml" in said
    assert "'not true'" in said and "'true'" in said
