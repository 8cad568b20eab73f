"""Mail: private channels, mailboxes in the runtime, and the way from one agent to another."""
