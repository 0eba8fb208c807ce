"""Mail connectors: strictly read-only, one module a protocol."""
