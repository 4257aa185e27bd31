"""Training a network: the loop, its optimizer, its checkpoints, and reports of long trainings."""
