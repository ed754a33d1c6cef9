"""OpenTelemetry of the agent's program: received as OTLP, buffered on the disk, and shipped as logs are."""
