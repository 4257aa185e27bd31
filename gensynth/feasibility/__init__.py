"""What can be known of an experiment before anything is trained."""
