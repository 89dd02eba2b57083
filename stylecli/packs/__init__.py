"""Style packs: folders with a card and networks, and the shelves they stand on."""
