"""The base of every group of settings."""

from pydantic import BaseModel, ConfigDict


class SettingsSection(BaseModel):
    """A group of settings: immutable, and unknown keys are refused, because a misspelt key would have no effect."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)
