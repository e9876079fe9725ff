"""The real engines of the local AWS; none of them knows the emulator."""
