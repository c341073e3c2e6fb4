"""What the built-in face analyzer sees beside OpenFace, and how fast it is."""
