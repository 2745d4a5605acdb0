"""Processing services that answer: OGC API - Processes and WPS, for local work."""
