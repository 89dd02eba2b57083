"""The files that visitors sent: kept, shown small and in styles, stylized at full size."""
