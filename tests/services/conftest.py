"""Fixtures for tests of services."""

import pytest

from tests.support.cast import Cast, make_stranger


@pytest.fixture
def zed(cast: Cast) -> Cast:
    """Give zed's own workspace beside olga's; in hers he must always be refused."""
    return make_stranger(cast.runtime)
