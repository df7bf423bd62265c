"""`python -m mutoscope` is the command line."""

from mutoscope.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
