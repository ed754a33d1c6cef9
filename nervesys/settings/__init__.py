"""Settings: models of the configuration files, and the loader that lays them over each other."""

from nervesys.settings.agents import AgentConfig
from nervesys.settings.load import Loaded, Settings, load, load_file
from nervesys.settings.place import Place
from nervesys.settings.tree import FolderTree, Tree, shipped_root
from nervesys.settings.variables import PLACES, VARIABLES
from nervesys.settings.web import Web

__all__ = [
    "PLACES",
    "VARIABLES",
    "AgentConfig",
    "FolderTree",
    "Loaded",
    "Place",
    "Settings",
    "Tree",
    "Web",
    "load",
    "load_file",
    "shipped_root",
]
