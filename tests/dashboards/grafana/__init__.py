"""Grafana's own libraries as a judge of our pages: what it would read of them, and what it would show.

They are npm packages, named by a lock without addresses, and installed for the tests alone. `@grafana/prometheus` is
left out for its licence (AGPL); `frames.js` makes data frames of Prometheus' answers in its place.
"""
