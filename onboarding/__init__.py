"""From an existing PostgreSQL to table contracts: look, propose, prepare, diagnose.

Everything that looks reads the catalog and a bounded sample in a read-only transaction; only
`preparation` changes a source, and only when it is told to apply.
"""
