"""Search spaces: one file, one space, one class."""
