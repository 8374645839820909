"""The process inside a kiosk: its journal, its devices, its screen.

So far only what the screen shows (`view`); the process itself is not here yet.
"""
