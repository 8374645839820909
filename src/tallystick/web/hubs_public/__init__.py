"""The hubs programme as people outside see it: their own record, and the published figures."""
