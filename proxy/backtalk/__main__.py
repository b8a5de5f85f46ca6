"""`python -m backtalk` is the `backtalk` command."""

from backtalk.cli import main

if __name__ == "__main__":
    main()
