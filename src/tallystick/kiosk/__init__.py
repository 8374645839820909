"""The kiosk programme: cash in, bitcoin out, every note and every satoshi accounted for."""
