"""pyinfra facts of our own: what a host says of itself, read and never changed."""
