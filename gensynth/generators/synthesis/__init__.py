"""Generative synthesis: the generator G(s; theta_G) and the inquisitor I(G; theta_I)."""
