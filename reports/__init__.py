"""Draws the dashboards without Grafana: from their JSON and what Prometheus answers to pages, live or kept.

`answers` asks, `build` makes a model of what is to be seen, in words, numbers and names of colours, and what stands
behind it only lays that model out. Nothing but `answers` and `server` touches the network.
"""
