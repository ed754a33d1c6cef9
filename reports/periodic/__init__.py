"""The daily, weekly and monthly reports, as PDF, HTML and XLSX, in the archive and by mail.

`gather` collects the facts (all I/O); `compose` computes the report from them (pure); the writers render it.
"""
