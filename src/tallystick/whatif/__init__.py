"""Simulators that run the programmes' own rules, to test what is claimed about them."""
