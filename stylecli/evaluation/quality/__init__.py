"""Quality of stylized pictures: distances, noise, grid, classes."""
