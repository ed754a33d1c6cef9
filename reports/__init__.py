"""Draws the dashboards without Grafana, as live web pages or as files, from their JSON and the data of Prometheus.

`answers` runs the queries, `build` makes a model of the page (texts, numbers and colour names), and the other modules
lay this model out as HTML, PDF or PNG. Only `answers` and `server` use the network.
"""
