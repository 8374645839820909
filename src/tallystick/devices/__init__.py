"""Cash hardware: bill validators, printers and scanners, each behind one interface."""
