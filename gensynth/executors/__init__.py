"""Executors run the jobs of a campaign: `inline` in this process, `ray` on cores or a cluster."""
