"""Every error that the platform raises on purpose.

    LakehouseError
    ├── ConfigurationError      a stage file, a contract or an environment variable is wrong
    ├── ContractError           the source does not look as its contract says
    ├── SourceError             the source database refused or broke
    │   ├── SourceUnavailableError   transient: try again later
    │   ├── SourceUnsafeError        capture would not be exact; refused before reading
    │   └── SourceChangedError       not the source that the watermark was made from
    ├── LedgerError             the batch ledger contradicts what is asked
    │   └── LedgerBusyError          transient: another ingest was faster; run again
    ├── LandingError            a batch can't be written: disk, bucket, permission
    ├── QualityError            a quality rule failed, and the stage says stop
    ├── MergeError              tables could not be brought from bronze to silver and gold
    ├── OwnGoldError            tables of one's own SQL could not be computed
    ├── ReconciliationError     two layers, which must hold the same rows, do not
    ├── MaintenanceError        a table's rows are not what they were before its maintenance
    ├── RebuildError            silver or gold is not what bronze makes
    ├── AccountError            AWS refused an operator's command, or can't do it now
    ├── DeliveryError           a stage that was deployed does not do what it should
    └── LocalError              the local AWS can't do what was asked

The message says what happened, to which table, key or setting, and what to do about it.
`transient` tells the state machine whether a retry can help.
"""

from collections.abc import Mapping


class LakehouseError(Exception):
    """Base of every deliberate error."""

    transient = False


class ConfigurationError(LakehouseError):
    """A stage file, a contract or an environment variable is wrong."""


class ContractError(LakehouseError):
    """The source does not look as its contract says; that table alone fails."""


class SourceError(LakehouseError):
    """The source database refused a statement or broke the connection."""


class SourceUnavailableError(SourceError):
    """The source database can't be reached now."""

    transient = True


class SourceUnsafeError(SourceError):
    """The source is set up so that exact change capture can't be had."""


class SourceChangedError(SourceError):
    """The source is another one than the watermark was made from; an operator must decide."""


class LedgerError(LakehouseError):
    """The batch ledger contradicts what is asked."""


class LedgerBusyError(LedgerError):
    """Another ingest of the same table was faster; nothing is lost, run it again."""

    transient = True


class LandingError(LakehouseError):
    """A batch can't be written to the disk or to the bucket."""


class QualityError(LakehouseError):
    """A table-level quality rule failed, and the stage's quality mode is `stop`."""


class MergeError(LakehouseError):
    """Tables could not be brought from bronze to silver and gold; the others were."""


class OwnGoldError(LakehouseError):
    """Tables of one's own SQL could not be computed; `failures` tells why, by name."""

    def __init__(self, failures: Mapping[str, Exception]):
        super().__init__("; ".join(f"{name}: {failure}" for name, failure in failures.items()))
        self.failures = failures


class ReconciliationError(LakehouseError):
    """Two layers, which must hold the same rows, do not; never healed silently."""


class MaintenanceError(LakehouseError):
    """A table's rows are not what they were before its maintenance; it was put back if possible."""


class RebuildError(LakehouseError):
    """Silver or gold is not what bronze makes, or can't be made from it."""


class AccountError(LakehouseError):
    """AWS refused an operator's command, or can't do it now."""


class DeliveryError(LakehouseError):
    """A stage that was deployed does not do what it should, or can't be asked."""


class LocalError(LakehouseError):
    """The local AWS can't do what was asked."""
