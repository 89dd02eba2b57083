"""One module for each library or container that turns the bytes of picture files into pictures and back."""
