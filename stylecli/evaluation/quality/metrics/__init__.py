"""The metrics of `stylecli evaluate`: each is a function of a stylized photo, with one entry in `registry`."""
