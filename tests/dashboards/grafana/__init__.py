"""Grafana's own libraries, asked what they read of our pages, and what they show of them.

They are npm packages, named by a lock without addresses, and installed for the tests alone. `@grafana/prometheus` is
left out for its licence (AGPL); `frames.js` makes data frames of Prometheus' answers in its place.
"""
