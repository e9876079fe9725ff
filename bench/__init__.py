"""Measured claims: each module is a command that prints its numbers and fails when they break."""
