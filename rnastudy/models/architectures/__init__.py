"""Networks of our own for checkpoints whose architecture no library has; each computes what the authors' code computes."""
