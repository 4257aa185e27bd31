"""Training a network: the loop, its batches, its optimizer, its checkpoints."""
