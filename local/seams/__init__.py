"""Where real engines are put behind the emulator: each module's `install()` moves one seam.

The names that a seam replaces are private to ministack, whose version is therefore pinned exactly;
`tests/integration/local_aws` has a contract test for each, which says which seam has moved.
"""
