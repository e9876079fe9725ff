"""What delivery does beside `cdk`: a smoke run, advice when it fails, the comment with the diff.

__main__ -> smoke      one run of the pipeline, and whether the lake is reconciled
         -> rollback   the commands that go back
         -> comment    `cdk diff` as one comment on a pull request

It runs with the caller's credentials against whatever account, or endpoint, these name.
"""
