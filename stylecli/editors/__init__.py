"""The doors for editors: raw pixels in and out, and the plug-ins themselves."""
