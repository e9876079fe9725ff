"""The local AWS: real engines behind an emulator, and the command line that drives it."""
