"""The environment of the dashboard as a typed model.

Region, credentials and endpoint come from the usual AWS variables, which boto3 reads by itself.
"""

from typing import Annotated

from pydantic import BaseModel, Field, Json

from lakehouse.contract import LAKE_NAME
from lakehouse.environment import Environment
from lakehouse.own_gold import Chart

_Name = Annotated[str, Field(pattern=f"^{LAKE_NAME.pattern}$")]


class OwnFigures(BaseModel):
    """A table or view of gold that somebody's own SQL makes."""

    name: _Name
    title: str
    """What it tells, in one sentence."""
    grain: tuple[_Name, ...]
    """The columns that tell its rows apart."""
    chart: Chart = Chart.AUTO
    is_timed: bool = False
    """Whether the figures change while the data stays as it is."""


class DashboardEnvironment(Environment):
    """What the dashboard reads, how often, and when it calls the figures stale."""

    gold_database: str
    """Glue database that holds the views."""
    workgroup: str
    """Athena workgroup whose limits and result location apply."""
    title: str = "Lakehouse"
    """Name of the project, in the header and in the browser's tab."""
    stage: str = "local"
    currency: str = "USD"
    """ISO 4217 code of all amounts."""
    refresh_seconds: Annotated[int, Field(ge=5)] = 60
    """Distance between two looks at the data's version."""
    stale_after_minutes: Annotated[int, Field(ge=1)] = 60
    """Age of the newest ingest from which on the page warns."""
    has_shop: bool = True
    """Whether the tables are the example shop's, which most pages tell of."""
    own_gold: Json[tuple[OwnFigures, ...]] = ()
    """What the page *Your figures* tells; JSON in the environment."""
