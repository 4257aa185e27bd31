"""What a campaign leaves on disk: rows, jobs in flight, the study, the log."""
