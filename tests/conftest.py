"""Shared by all tests: Hypothesis runs the same examples every time, without a clock."""

from hypothesis import HealthCheck, settings

settings.register_profile(
    "study",
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
settings.load_profile("study")
