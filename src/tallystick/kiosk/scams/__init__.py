"""Scams stopped at the screen: what the operator sees fixes the least step, answers only raise it."""
