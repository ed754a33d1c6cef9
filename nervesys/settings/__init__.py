"""Settings: models of the configuration files, and the loader that lays them over each other.

Names are imported on first use: `nervesys --help` needs the environment variables, but not the models (0.2 s).
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nervesys.settings.agents import AgentConfig
    from nervesys.settings.loader import Loaded, Settings, load, load_file
    from nervesys.settings.startup import StartupSettings
    from nervesys.settings.tree import FolderTree, Tree, shipped_root
    from nervesys.settings.variables import STARTUP_VARIABLES, VARIABLES
    from nervesys.settings.web import Web

__all__ = [
    "STARTUP_VARIABLES",
    "VARIABLES",
    "AgentConfig",
    "FolderTree",
    "Loaded",
    "Settings",
    "StartupSettings",
    "Tree",
    "Web",
    "load",
    "load_file",
    "shipped_root",
]
_MODULES = {
    "STARTUP_VARIABLES": "variables",
    "VARIABLES": "variables",
    "AgentConfig": "agents",
    "FolderTree": "tree",
    "Loaded": "loader",
    "StartupSettings": "startup",
    "Settings": "loader",
    "Tree": "tree",
    "Web": "web",
    "load": "loader",
    "load_file": "loader",
    "shipped_root": "tree",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
