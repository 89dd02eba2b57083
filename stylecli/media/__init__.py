"""Pictures and videos: read, converted, written, with all that their files hold."""
