"""Evidence of a campaign, checked and told."""
