"""Neural architecture search by generative synthesis, for tiny vision networks."""
