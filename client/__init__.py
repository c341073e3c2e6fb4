"""The ``avemotion`` command line and the embedded stack it starts."""
