"""Checkpoints in a layout of their own, mapped onto classes that a library keeps."""
