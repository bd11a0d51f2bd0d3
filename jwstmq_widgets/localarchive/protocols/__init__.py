"""What the services of MAST and of ESA say, as functions of a request."""
