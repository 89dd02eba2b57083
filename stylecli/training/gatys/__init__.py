"""The slow baseline of Gatys et al.: one photo painted by optimisation."""
