"""Readers of the formats in which OFAC, the EU, the UN and the UK publish their lists."""
