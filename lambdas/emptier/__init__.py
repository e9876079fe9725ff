"""Empties buckets that die with their stack."""
