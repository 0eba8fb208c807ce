"""The Grafana dashboards of inboxwatch, as code."""
