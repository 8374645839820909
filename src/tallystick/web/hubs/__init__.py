"""The caseworkers' console of the hubs programme: cases with their gates, agreements, law."""
