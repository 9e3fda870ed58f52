"""The JSON API: tables of routes, one endpoint for all of them, and sealing for who has no sealing device."""
