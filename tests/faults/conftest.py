from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.faults.rig import Rig
from tests.faults.searching import watchers


@pytest.fixture(scope="session")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    """One Posthorn for all fault tests: starting it takes longer than most of them."""
    with Rig(tmp_path_factory.mktemp("posthorn")) as rig:
        yield rig


@pytest.fixture
def rig(whole: Rig) -> Rig:
    """The Posthorn, whatever the test before did to it."""
    whole.heal()
    return whole


@pytest.fixture
def watched(rig: Rig) -> Iterator[Rig]:
    """The Posthorn with everything beside it that shows what it does."""
    names = watchers(rig)
    rig.start(*names)
    yield rig
    rig.stop(*names)
