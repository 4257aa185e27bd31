"""Search spaces: one file or package each, with one class."""
