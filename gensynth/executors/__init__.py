"""Executors run the jobs of a campaign: `inline` in this process, `ray` on a cluster."""
