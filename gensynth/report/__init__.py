"""A campaign on one self-contained page of HTML: the answer first, then how it came about."""
