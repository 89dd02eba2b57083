"""Video files to frames: made readable, decoded, deinterlaced; what is damaged or missing is counted."""
