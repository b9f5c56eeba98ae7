"""Enlarging pictures with a network."""

from srblocks.images import Picture, read_picture, write_picture
from srblocks.inference.upscaler import Upscaler

__all__ = ["Picture", "Upscaler", "read_picture", "write_picture"]
