"""What users are told in one line instead of a traceback."""


class InputError(ValueError):
    """Something the user gave cannot be used.

    The message is one line that names the file or argument, what is wrong with it and what was expected. The command
    line prints it without a traceback and exits with status 2.
    """


class TrainingFailed(RuntimeError):
    """Training cannot go on, as when a loss is not a number; said in one line."""
