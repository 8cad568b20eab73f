"""`python -m scr` is `scr`."""

from scr.cli.main import main

if __name__ == "__main__":
    main()
