"""What is in the demo customer's pocket: a telephone that gets codes, and a made-up licence."""

from __future__ import annotations

from typing import Final

TELEPHONE: Final = "telephone.txt"
"""In the demo customer's folder: the last message, as its server sent it (`FileTexts`)."""
SAMPLE_LICENCE: Final = (
    "@\n\x1e\rANSI 636006080001DL00310133DL"
    "DAQ000000001\nDCSSAMPLE\nDACPAT\nDADNONE\nDBB01021970\nDBA12312035\nDBD01022024\n"
    "DAG1 EXAMPLE STREET\nDAIANYTOWN\nDAJCT\nDAK061030000\nDCGUSA\r"
)
"""Nobody's: the form is the AAMVA's, the holder is made up."""
