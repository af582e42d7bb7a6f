"""Hours of damage: runs that are killed, checkpoints that are damaged, files that are fuzzed. `make soak` runs them, `make test` a few of each."""
