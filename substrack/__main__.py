"""`python -m substrack`."""

from substrack.cli import main

main()
