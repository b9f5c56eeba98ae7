"""Weights in and out."""

from srblocks.hub.weights import load, save

__all__ = ["load", "save"]
