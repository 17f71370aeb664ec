"""What the planning tests share: the plan of all cases of a model, made once."""

from __future__ import annotations

import pytest
from planning_cases import cases, frame, place
from planning_world import World, plan


@pytest.fixture(scope="session")
def planned(trino):
    """Rows of a model over the world of all its cases, one query a model: `planned("net_demand")`."""
    made = {}

    def of(model):
        if model not in made:
            world = frame(World())
            for case in cases(model):
                if case.alone is None:
                    place(world, case)
            made[model] = plan(trino, world, model)[model]
        return made[model]

    return of
