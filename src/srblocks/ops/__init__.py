"""Pure functions on tensors: the arithmetic that the layers are thin shells over."""
