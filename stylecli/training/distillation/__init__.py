"""Training of the distilled loss network: a narrow VGG-19 learns the features and Gram matrices of the real one."""
