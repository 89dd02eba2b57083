"""What picture files hold beside their pixels: Exif, XMP, IPTC, texts, density."""
