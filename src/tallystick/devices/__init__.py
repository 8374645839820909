"""Cash hardware: bill validators, printers and scanners, each behind one interface.

The drivers and their simulators are not here yet.
"""
