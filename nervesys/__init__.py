"""The common base (contract, settings, metrics, stores), the agent, the local stack, and the command line on top."""

__version__ = "0.1.0"
