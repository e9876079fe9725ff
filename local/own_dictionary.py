"""`make dictionary`: the data dictionary of a folder of contracts, SQL files included."""

import sys
from pathlib import Path

from lakehouse import dictionary
from lakehouse.own_gold import load_own_gold
from lakehouse.validation import check_contracts
from local.stage import local_stage
from stacks.own_sql import columns_of


def run_dictionary(folder: str) -> int:
    """Prints it; `folder` is that of the local stage unless it is given."""
    directory = Path(folder).resolve() if folder else local_stage().contracts
    contracts = check_contracts(directory)
    own = [
        dictionary.of_own(one, columns_of(one, contracts))
        for one in load_own_gold(directory).values()
    ]
    # Drafts of contracts have no words for every column; what they have is worth reading.
    sys.stdout.write(dictionary.render(contracts, own, is_draft=True))
    return 0
