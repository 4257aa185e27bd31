"""`python -m gensynth`: the command line, without letting the working directory hide packages."""

import os
import sys

from gensynth.cli import main

if __name__ == "__main__":
    # Python puts the working directory first; a user's folder `constraints` would hide ours.
    if sys.path and sys.path[0] in ("", os.getcwd()):
        del sys.path[0]
    main()
