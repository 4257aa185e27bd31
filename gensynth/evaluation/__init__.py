"""Judging a candidate: its constraints, its score, and what became of it.

`evaluator` describes a genome's network and evaluates it; `constraint` and `score` are the
contracts of plugins; `measurement`, `latency` and `outcome` are the nouns they speak of.
"""
