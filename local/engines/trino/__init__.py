"""Trino itself, where the light local Athena is not proof enough: its analyzer, and its server."""
