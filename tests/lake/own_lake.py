"""A lake that tests may break: in a folder with a space and letters beyond ASCII, used by one worker alone."""


def quiet(text):
    """No progress."""
