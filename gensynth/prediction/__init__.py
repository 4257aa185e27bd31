"""Trained networks at work: classes of pictures, and how often they are right."""
