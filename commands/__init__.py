"""The command line `nervesys`, the only place that combines the packages.

`root.COMMANDS` names the commands, each a module here. The other modules are shared by them: `options` and `plural` by
most, `local`, `plan` and `demo_history` for the local stack, `waiting`, `not_ready_app` and `poll` for programs that
are not ready yet, `families`, `generated`, `reference` and `pictures` for generated files, `explain` and `trial` for
subcommands of `alerts`.
"""

from commands.main import main

__all__ = ["main"]
