"""Run the command line as ``python -m tallystick.cli``."""

from tallystick.cli import main

if __name__ == "__main__":
    main()
