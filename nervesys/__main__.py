"""`python -m nervesys` is `nervesys`."""

from nervesys.cli import main

main()
