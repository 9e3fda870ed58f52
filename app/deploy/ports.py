"""Where the processes of an installation answer over HTTP, for probes and Prometheus. A test holds it to the code."""

HTTP_PORT = 9100
HEALTHY = LIVE = "/healthz"
READY = "/readyz"
METRICS = "/metrics"
GATEWAY_PORT = 8000
