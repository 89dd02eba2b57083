"""The plug-ins in the editors themselves."""
