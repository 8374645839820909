"""The kiosk's own screen, served on loopback by the process inside the kiosk (Decision 7)."""
