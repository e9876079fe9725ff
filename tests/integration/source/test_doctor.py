"""`make doctor` on a real PostgreSQL: what it finds, and that each finding has its remedy."""

from pathlib import Path

import pytest

from lakehouse.errors import ConfigurationError, LocalError
from local.doctor import run_doctor
from local.onboard import run_contracts, run_prepare
from tests.integration.source.messy_source import OwnDatabase


@pytest.fixture
def contracts(messy: OwnDatabase, tmp_path: Path) -> Path:
    run_contracts(messy.dsn, "order,Customer,by_index", str(tmp_path), force=False, activate=False)
    return tmp_path


def examined(
    messy: OwnDatabase, contracts: Path, capsys: pytest.CaptureFixture[str], role: str = ""
) -> tuple[int, list[str]]:
    capsys.readouterr()
    code = run_doctor("", messy.dsn, str(contracts), role)
    lines = capsys.readouterr().out.splitlines()
    assert all(";" in line for line in lines if line.startswith(("WARN", "FAIL"))), "no remedy"
    return code, lines


def test_a_source_that_is_not_ready_is_told_how(
    messy: OwnDatabase, contracts: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = messy.dump()
    code, lines = examined(messy, contracts, capsys)
    assert messy.dump() == before
    assert code == 0
    told = [line for line in lines if line.startswith("WARN  Sales Dept.order")]
    remedy = "make prepare-source DSN=... TABLES='Sales Dept.order' APPLY=1, then make contracts"
    assert told == [
        "WARN  Sales Dept.order: no trigger keeps updated_at, so a change that leaves it alone is "
        f"missed; {remedy}",
        "WARN  Sales Dept.order: no index begins with updated_at, so each run reads all 150,000 "
        f"rows; {remedy}",
        "WARN  Sales Dept.order: deletes are seen by comparing all keys, each 24 hours; " + remedy,
    ]
    assert "OK    Sales Dept.Customer: 50 rows, 0.0 MiB, read whole" in lines
    assert any(line.startswith("first load of 3 tables, 150,050 rows: about ") for line in lines)

    run_prepare(messy.dsn, "Sales Dept.order", "none", small=False, changes=True, back=False)
    run_contracts(messy.dsn, "order,Customer,by_index", str(contracts), force=False, activate=False)
    code, lines = examined(messy, contracts, capsys)
    assert (code, lines[-1]) == (0, "14 OK, 0 WARN, 0 FAIL")
    assert any(line.startswith("OK    Sales Dept.order: 150,000 rows, ") for line in lines)


def test_a_role_without_privileges_fails(
    messy: OwnDatabase, contracts: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    messy.run("CREATE ROLE stranger LOGIN")
    try:
        code, lines = examined(messy, contracts, capsys, "stranger")
    finally:
        messy.run("DROP ROLE stranger")
    assert code == 1
    assert (
        "FAIL  pg_read_all_stats: stranger does not see when others began to write; run: GRANT "
        'pg_read_all_stats TO "stranger"'
    ) in lines
    assert (
        "FAIL  Sales Dept.Customer: stranger may not read it; run: GRANT SELECT ON "
        '"Sales Dept"."Customer" TO "stranger"'
    ) in lines
    code, lines = examined(messy, contracts, capsys, "nobody")
    assert "FAIL  role nobody: does not exist; run: make prepare-source DSN=... ROLE=nobody " in (
        "\n".join(lines)
    )


def test_what_holds_a_run_back_is_named(
    messy: OwnDatabase, contracts: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    holder = messy.connect()
    try:
        holder.run("BEGIN")
        holder.run('DELETE FROM "Sales Dept".keyless')
        holder.run("PREPARE TRANSACTION 'forgotten'")
    finally:
        holder.close()
    try:
        code, lines = examined(messy, contracts, capsys)
    finally:
        messy.run("ROLLBACK PREPARED 'forgotten'")
    (line,) = [line for line in lines if "prepared transactions" in line]
    assert code == 1
    assert line.startswith("FAIL  prepared transactions: open: forgotten (")
    assert line.endswith("run COMMIT PREPARED or ROLLBACK PREPARED for each")


def test_a_table_that_is_not_as_its_contract_says(
    messy: OwnDatabase, contracts: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    toml = contracts / "by_index.toml"
    toml.write_text(toml.read_text().replace('twin = "text"', 'twin = "integer"'))
    messy.run('ALTER TABLE "Sales Dept"."Customer" RENAME TO "Client"')
    try:
        code, lines = examined(messy, contracts, capsys)
    finally:
        messy.run('ALTER TABLE "Sales Dept"."Client" RENAME TO "Customer"')
    assert code == 1
    assert "FAIL  Sales Dept.Customer: is not there; create it, or remove its contract" in lines
    (line,) = [line for line in lines if "by_index" in line]
    assert line == (
        "FAIL  Sales Dept.by_index: Sales Dept.by_index.twin is text, its contract says integer; "
        "correct the contract or the table"
    )


def test_which_source_has_to_be_said(tmp_path: Path) -> None:
    for stage, dsn, fault in (
        ("", "", "say which: STAGE=local, or DSN="),
        ("prod", "", "is reached from inside of its network only; run this where"),
        ("", "postgresql://me@localhost/nowhere", "has no contracts; make contracts DSN=..."),
    ):
        with pytest.raises(LocalError, match=fault):
            run_doctor(stage, dsn, "", "")
    with pytest.raises(ConfigurationError, match="has no contract; write"):
        run_doctor("", "postgresql://me@localhost/nowhere", str(tmp_path), "")
