"""A bay at golden hour, rendered with numpy: the picture, clip and sound of the demo."""

from stylecli.landscape.ambience import RATE, ambience
from stylecli.landscape.camera import Landscape

__all__ = ["RATE", "Landscape", "ambience"]
