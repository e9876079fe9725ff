"""The crawler's types are those of Glue."""

import pyarrow as pa
import pytest

from local.engines.crawler import hive_type


@pytest.mark.parametrize(
    ("parquet", "hive"),
    [
        (pa.int64(), "bigint"),
        (pa.string(), "string"),
        (pa.decimal128(12, 2), "decimal(12,2)"),
        (pa.timestamp("us", tz="UTC"), "timestamp"),
        (pa.date32(), "date"),
        (pa.list_(pa.int32()), "array<int>"),
    ],
)
def test_types(parquet: pa.DataType, hive: str) -> None:
    assert hive_type(parquet) == hive


def test_an_unknown_type_is_refused() -> None:
    with pytest.raises(ValueError, match="no Hive type"):
        hive_type(pa.duration("s"))
