"""`python -m calando` is `calando`."""

from calando.cli import main

if __name__ == "__main__":
    main(prog_name="calando")
