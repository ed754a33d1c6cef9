"""The base of every group of settings."""

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """A group of settings: frozen, and unknown keys are mistakes, for a misspelt key would silently do nothing."""

    model_config = ConfigDict(extra="forbid", frozen=True)
