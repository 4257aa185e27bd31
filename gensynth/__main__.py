"""`python -m gensynth`: the command line, without letting the working directory hide packages."""

import os
import sys

from gensynth.cli import main

if __name__ == "__main__":
    here = os.getcwd()
    sys.path = [path for path in sys.path if path not in ("", here)]
    main()
