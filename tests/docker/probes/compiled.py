"""Print the modules that our programs import and whose bytecode is not in the image."""

import importlib
import sys
from pathlib import Path

for name in (
    "commands.exporter",
    "commands.agent",
    "alerting.receiver.program",
    "exporters.store",
    "supervisor.supervisord",
):
    importlib.import_module(name)
cached = {
    name: module.__cached__ for name, module in sorted(sys.modules.items()) if getattr(module, "__cached__", None)
}
print([name for name, file in cached.items() if not Path(file).exists()])
