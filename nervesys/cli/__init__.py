"""The command line `nervesys`, the only place that combines the packages.

`main.COMMANDS` names the commands, each a module here. The other modules are shared by them: `options`, `local`, `plan`
and `past` for the local stack, `waiting`, `stand_in` and `settled` for programs that are not ready yet, `families`,
`generated`, `reference` and `pictures` for generated files, `explain` and `trial` for subcommands of `alerts`.
"""

from nervesys.cli.main import main

__all__ = ["main"]
