"""The manifests of Kubernetes: one module for each kind of program, and `overlays` with what is written."""
