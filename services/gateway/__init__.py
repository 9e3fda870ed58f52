"""The edge: JSON API and pages over the services. No rule of the domain, no table."""
