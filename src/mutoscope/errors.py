"""The one exception users see: bad input, said in one line."""


class InputError(ValueError):
    """Something the user gave cannot be used.

    The message is one line that names the file or argument, what is wrong with it and what was expected. The command line
    prints it without a traceback and exits with status 2.
    """
