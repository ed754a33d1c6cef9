"""What others write, at its worst: nothing of it may end in a traceback, or change what is shown of others."""
