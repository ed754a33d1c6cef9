"""The look of our pages."""
