"""Names of the JVM, remembered."""

from typing import Any

import pytest
from py4j.protocol import Py4JError
from pyspark.sql import SparkSession
from pyspark.sql import functions as fn

from glue_scripts.jvm_names import RESOLVERS, remember_jvm_names


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> None:
    for resolver in RESOLVERS:
        # noted so that it is put back as it was
        monkeypatch.setattr(resolver, "__getattr__", resolver.__getattr__)
    remember_jvm_names.__wrapped__()


@pytest.mark.usefixtures("names")
def test_a_name_is_asked_for_once(spark: SparkSession, monkeypatch: pytest.MonkeyPatch) -> None:
    jvm: Any = spark.sparkContext._gateway.new_jvm_view("test")  # type: ignore[union-attr]
    first = jvm.java.util.UUID.randomUUID
    monkeypatch.setattr(jvm._gateway_client, "send_command", None)
    assert jvm.java.util.UUID.randomUUID is first


@pytest.mark.usefixtures("names")
def test_what_is_no_name_stays_an_error(spark: SparkSession) -> None:
    for _ in range(2):
        with pytest.raises(Py4JError, match="does not exist"):
            spark._jvm.java.util.UUID.no_such_method()  # type: ignore[union-attr]
    assert spark.range(1).select(fn.lit(1) + fn.lit(2)).first()[0] == 3  # type: ignore[index]
