"""Training: losses, degradations."""
