"""Documents read: markup, sentences, words, and the index over them.  Pure, but for the index."""
