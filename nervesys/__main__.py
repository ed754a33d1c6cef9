"""`python -m nervesys` is `nervesys`."""

from commands import main

main()
