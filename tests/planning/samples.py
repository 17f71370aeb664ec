"""Values of hypothesis strategies as data: thousands at once, for one query."""

from hypothesis import HealthCheck, Phase, given, settings


def made(strategy, count):
    """So many values, the same in every run."""
    found = []

    @settings(
        max_examples=count, derandomize=True, database=None, phases=[Phase.generate], deadline=None,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(strategy)
    def collect(value):
        found.append(value)

    collect()
    return found
