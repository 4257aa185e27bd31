"""A network as a folder that needs only torch, and the end of a campaign that writes it."""
