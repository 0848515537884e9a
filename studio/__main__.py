"""`python -m studio` is the `understudy` command."""

from studio.cli import main

main()
