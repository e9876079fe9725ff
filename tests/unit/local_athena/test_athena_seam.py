"""The contract with the emulator: a private name that moves is named, before anything runs."""

import pytest
from ministack.services import athena

from lakehouse.errors import LocalError
from local.seams import athena as seam
from local.seams.contract import check


def test_the_pinned_emulator_has_every_seam() -> None:
    check(seam.SEAMS)
    seam.check_stores()


@pytest.mark.parametrize("name", [one.name for one in seam.SEAMS])
def test_a_seam_that_is_gone_is_named(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.delattr(athena, name)
    with pytest.raises(LocalError, match=f"ministack.services.athena.{name} is gone"):
        seam.install()


def test_a_seam_with_another_signature_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(athena, "_start_query_execution", lambda _data, _context: None)
    with pytest.raises(LocalError, match="_start_query_execution takes"):
        seam.install()


def test_a_store_of_another_kind_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(athena, "_executions", {})
    with pytest.raises(LocalError, match="_executions is not a scoped store"):
        seam.install()


def test_install_replaces_what_requests_reach(monkeypatch: pytest.MonkeyPatch) -> None:
    names = (
        "_start_query_execution",
        "_get_query_results",
        "_stop_query_execution",
        "_get_workgroup",
    )
    before = {name: getattr(athena, name) for name in names}
    for name, function in before.items():
        monkeypatch.setattr(athena, name, function)  # put back afterwards
    seam.install()
    assert all(getattr(athena, name) is not function for name, function in before.items())
