"""Fixtures for tests of services."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.cast import Cast, make_stranger
from tests.support.databases import Furnish
from tests.support.furnishing import house_the_cast, scene_of


@pytest.fixture
def furnish(request: pytest.FixtureRequest) -> Furnish | None:
    """Say what is there already: what the module's `make_scene` makes, for who asks for its scene."""
    if "scene" in request.fixturenames:
        return scene_of(request.module.make_scene).put_in
    return house_the_cast if "cast" in request.fixturenames else None


@pytest.fixture
def scene(request: pytest.FixtureRequest, cast: Cast) -> Any:
    """Give what the module's `make_scene` makes."""
    return scene_of(request.module.make_scene).with_cast(cast)


@pytest.fixture
def zed(cast: Cast) -> Cast:
    """Give zed's own workspace beside olga's; in hers he must always be refused."""
    return make_stranger(cast.runtime)
