"""The parts of ``bench/chaos.py``: a service, its clients, faults, and the proof that all is well."""
