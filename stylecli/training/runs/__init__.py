"""The folder of a training: recipe, log, checkpoints, samples, result."""
