"""One file on its way to the disk: its part, its check, and the ways in which it comes."""
