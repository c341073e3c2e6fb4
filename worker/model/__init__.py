"""VideoMAE with its heads, in Keras 3: the only package that loads TensorFlow."""

from __future__ import annotations

import os

# Both are read when TensorFlow and Keras are first imported, which modules of this package do.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # errors and warnings, no chatter
os.environ.setdefault("KERAS_BACKEND", "tensorflow")
