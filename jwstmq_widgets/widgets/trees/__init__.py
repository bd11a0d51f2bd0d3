"""What the program tree is made of."""
