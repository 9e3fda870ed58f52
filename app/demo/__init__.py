"""The demonstration: a season of the sample region, played through the gateway, and then proved from its own log."""
