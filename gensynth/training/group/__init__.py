"""Several networks of one architecture trained in one step, as a network of grouped layers."""
