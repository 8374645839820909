"""Scams stopped at the screen: the operator's signals fix the least step; answers only raise it."""
