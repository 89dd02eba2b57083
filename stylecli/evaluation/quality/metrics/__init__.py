"""The metrics of `stylecli evaluate`: each is a function of a specimen, with one entry in `registry`."""
