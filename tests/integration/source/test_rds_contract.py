"""The emulator's private parts that the RDS seam stands on: a moved one is named."""

import types

import pytest
from ministack.services import rds as ministack_rds
from ministack.services.cloudformation import provisioners

from lakehouse.errors import LocalError
from local.seams import rds
from local.seams.contract import Seam, check


@pytest.mark.parametrize("seam", rds.SEAMS, ids=lambda seam: seam.name)
def test_the_seam_is_where_it_was(seam: Seam) -> None:
    assert seam.fault() is None


def test_tables_that_are_patched_hold_functions() -> None:
    assert {"CreateDBInstance", "DeleteDBInstance", "StartDBInstance", "StopDBInstance"} <= set(
        ministack_rds._ACTION_MAP
    )
    handlers = provisioners._RESOURCE_HANDLERS["AWS::RDS::DBInstance"]
    assert {"create", "update", "delete"} <= handlers.keys()


def test_a_moved_seam_is_named() -> None:
    module = types.ModuleType("emulator.part")
    module.__dict__["turned"] = lambda other: None
    with pytest.raises(LocalError, match=r"emulator\.part\.gone is gone; .*turned takes") as moved:
        check([Seam(module, "gone", ()), Seam(module, "turned", ("p",))])
    assert "requirements-dev.txt" in str(moved.value)
