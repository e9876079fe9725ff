"""Who vouches for GitHub's jobs, and to whom their tokens are made out."""

from typing import Final

ISSUER: Final = "token.actions.githubusercontent.com"
AUDIENCE: Final = "sts.amazonaws.com"
