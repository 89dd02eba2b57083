"""A bay at golden hour, computed with numpy alone: the demo's own picture, clip and sound."""

from stylecli.landscape.ambience import RATE, ambience
from stylecli.landscape.camera import Landscape

__all__ = ["RATE", "Landscape", "ambience"]
