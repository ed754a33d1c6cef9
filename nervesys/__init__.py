"""What the whole house stands on: contract, settings, metrics, stores, and on top the command line."""

__version__ = "0.1.0"
