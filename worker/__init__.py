"""The steps that turn media into emotions, and the tasks around them."""
