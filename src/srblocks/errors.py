"""What srblocks raises: one sentence that says what was wrong and what to do."""


class SRBlocksError(Exception):
    """The parent of every error that srblocks raises on purpose."""


class ArgumentError(SRBlocksError, ValueError):
    """An argument has a value that is not allowed; the message names it and says what is."""


class InputError(SRBlocksError, ValueError):
    """A tensor or picture cannot be processed as it is: wrong shape, channels, dtype or size."""


class CheckpointError(SRBlocksError):
    """A weights file cannot be read, recognised or matched to a network."""


class FusionError(SRBlocksError):
    """A module cannot be rewritten into its fused or reference form as it is."""


class UnknownModelError(SRBlocksError, LookupError):
    """No constructor, family or layout has the name that was asked for."""
