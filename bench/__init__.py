"""Measured claims: each program prints its table and, as the last line, one JSON object."""
