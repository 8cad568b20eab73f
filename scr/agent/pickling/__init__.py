"""Code that cannot be imported, as bytes and back."""
