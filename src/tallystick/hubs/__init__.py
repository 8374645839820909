"""Casework of a return programme: no transfer that the law forbids can be recorded as lawful."""
