"""The editors that have a plug-in. One module each, with a `HOST`; a new module is a new editor."""
