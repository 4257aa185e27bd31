"""Evaluating a candidate: its constraints, its score, and its outcome.

`evaluator` describes a genome's network and evaluates it. `constraint` and `score` are the
contracts of plugins; `measurement`, `latency` and `outcome` are the data that they deal with, and
`confidence` bounds a measured accuracy.
"""
