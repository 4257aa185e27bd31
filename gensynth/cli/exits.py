"""Exit codes of all commands."""

DONE, NOT, BAD_INPUT, INTERRUPTED = 0, 1, 2, 130
"""Done; not (nothing feasible, or a verdict not ok); bad input; interrupted by Ctrl-C. SIGTERM ends
a command with 143, SIGHUP with 129."""
