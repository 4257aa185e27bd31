"""`python -m gensynth`: the command line, safe from folders that share a package's name."""

import os
import sys

from gensynth.cli import main

if __name__ == "__main__":
    # Python searches the working directory first: a user's `constraints` folder would hide ours.
    if sys.path and sys.path[0] in ("", os.getcwd()):
        del sys.path[0]
    main()
