"""Weights in and out."""

from srblocks.hub.cards import push_to_hub
from srblocks.hub.catalog import Weights, list_weights
from srblocks.hub.transfer import TransferReport, transfer
from srblocks.hub.weights import create_model, load, save

__all__ = [
    "TransferReport",
    "Weights",
    "create_model",
    "list_weights",
    "load",
    "push_to_hub",
    "save",
    "transfer",
]
