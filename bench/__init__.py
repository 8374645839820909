"""Measurements of real processes on this machine: ``python -m bench``.

Each module that is a part has ``measure(stage, options)`` and returns rows. Nothing is simulated
but the person and the machine that speaks for them; disks sync.
"""
