"""What holds for all tests."""

from hypothesis import HealthCheck, settings

# a busy machine is no failure; where `CI` is set, hypothesis itself takes a profile that says so
settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
if settings().deadline is not None:
    settings.load_profile("unhurried")
