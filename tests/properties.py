"""hypothesis with the profile of these tests. Property tests import it from here; no other test loads it."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

__all__ = ["HealthCheck", "given", "settings", "st"]

# Without a deadline, and with the same examples each time: a slow machine must not fail a test.
settings.register_profile("steady", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("steady")
