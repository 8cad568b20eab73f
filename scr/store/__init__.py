"""What is accepted, committed and remembered: the store's protocol and its implementations."""
