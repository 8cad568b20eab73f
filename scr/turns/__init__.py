"""What becomes of messages and of questions, as pure folds over frozen values."""
