"""The domain alone: an empty story under the example's handbook."""

from __future__ import annotations

import pytest

from domain.told import Told


@pytest.fixture
def told() -> Told:
    return Told()
