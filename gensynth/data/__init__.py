"""Images as data sets: named ones, folders, the Hugging Face hub; decoded once, then mapped."""
