"""Tallystick: public programmes that hold something for somebody, run so that anyone can check.

Four promises: law decides every step, nothing is lost in any crash, enough people agree, and
anyone can check. Imports go downwards only: cli, web and edge, programmes, bitcoin and devices,
core (Decision 1).
"""

__version__ = "0.1.0"
