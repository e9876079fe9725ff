"""Runs the emulator with the Athena seam, on the port and credentials of the environment."""

from ministack.app import main

from local.seams.athena import install

if __name__ == "__main__":
    install()
    main()
