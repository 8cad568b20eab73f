"""The way of a message, and of a question, as pure folds: `decide(state, event) -> (state, orders)`."""
