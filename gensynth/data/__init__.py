"""Images as data sets: named ones, folders, the hub; decoded once, mapped by all."""
