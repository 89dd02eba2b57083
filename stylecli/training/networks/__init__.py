"""The style networks: from a photo to its stylized picture."""
