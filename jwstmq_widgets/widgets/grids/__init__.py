"""What the grids are made of."""
