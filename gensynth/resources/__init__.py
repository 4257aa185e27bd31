"""Files that come with the package: embedded experiments, published figures."""
