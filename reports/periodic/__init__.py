"""The reports of a day, a week and a month: gathered, computed, written as PDF, HTML and XLSX, filed and mailed.

`gather` is the edge that asks; `compose` makes a `Report` of what it found, which is all that the writers know.
"""
